// Pairs of a mirror leave it and come back while hosts write to all of its volumes, and systems and links die in the midst. Where the
// source is lost, the target's group is one prefix of what was written to its members, whoever they are at that moment.
#include "sim/story.h"

namespace lockstep::sim {
namespace {

using replica::CopyState;
using replica::Operation;

constexpr std::size_t volumes = 3;
constexpr const char* relation = "r";

class Pairs final : public Story {
 public:
  Pairs(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0x50319), a_(world_, "a", sizes()), b_(world_, "b", sizes()) { load_.pause = std::chrono::microseconds(4000 + rng_.below(8000)); }

  void play() override {
    set_up_mirror(a_, b_, relation, volumes);
    for (std::uint64_t rounds = 1 + rng_.below(3); rounds > 0; --rounds) {
      std::string volume = "p/v" + std::to_string(rng_.below(volumes));
      change(Operation::remove_sync_pair, volume);
      same_everywhere();
      change(Operation::add_sync_pair, volume);
      same_everywhere();
    }
    if (rng_.coin()) return lose_the_source();
    for (Node* node : {&a_, &b_}) {
      node->stop();
      node->restart();
    }
    same_everywhere();
    for (Node* node : {&a_, &b_}) node->stop();
  }

 private:
  // Until it is done: what a fault broke off is asked for again.
  void change(Operation operation, const std::string& volume) {
    begin_load();
    run_for(5, 60);
    std::string what = std::string(replica::name_of(operation)) + " of " + volume;
    for (int tries = 0; tries < 4; ++tries) {
      tell(what);
      Node::Going going = a_.begin(a_.system().set_pairs(root, relation, static_cast<std::uint16_t>(operation), {volume}));
      bool hurt = tries == 0 && rng_.coin();
      if (hurt) fault();
      std::optional<std::string> wrong = a_.await(going, what);
      a_.end_load();
      if (wrong && !hurt && tries == 0) throw Failure(what + ": " + *wrong);
      if (wrong) tell("  it failed: " + *wrong);
      world_.run_for(contact_decided);
      auto now = a_.report(relation);
      bool out = operation == Operation::remove_sync_pair && now && now->relationship.pairs.size() < volumes;
      if (wrong && out) follow_alone(volume);
      if (!wrong || out) return;
    }
    throw Failure(what + " does not succeed, though nothing is broken any more");
  }

  [[nodiscard]] static std::string group_of(Node& node, const std::string& volume) {
    for (const manage::GroupInfo& info : node.run(node.system().groups()))
      if (std::ranges::find(info.volumes, volume) != info.volumes.end()) return info.row.name;
    throw Failure(node.name() + ": " + volume + " is in no group");
  }

  // It left, and something came between before its own relationship was there.
  void follow_alone(const std::string& volume) {
    std::string name = volume.substr(2), own = "r-" + group_of(a_, name);
    if (a_.report(own)) return;
    if (b_.report(own)) b_.operate(own, Operation::detach);   // half of it was made
    manage::CreateReplica request;
    request.group = group_of(a_, name);
    request.target_group = "p/" + group_of(b_, name);
    create(a_, b_, own, request);
  }

  void begin_load() {
    a_.begin_load(history_, rng_.named("load" + std::to_string(++loads_)), bearable(load_), volumes);
  }

  void fault() {
    run_for(0, 60);
    switch (rng_.below(4)) {
      case 0: return lose(b_);
      case 1: return lose(a_);
      case 2:
        partition(a_, b_);
        run_for(10, 6000);
        return heal(a_, b_);
      default:
        ++faults_;
        tell("connections reset");
        world_.network().reset_connections(a_.host(), b_.host());
    }
  }

  void lose(Node& node) {
    crash(node, &node == &b_ && rng_.coin());   // the source keeps its power: what it answered is there afterwards
    run_for(1, 500);
    restart(node);
    run_for(1, 500);
  }

  void same_everywhere() {
    for (const replica::Report& report : a_.system().relationships()) {
      if (report.relationship.end != replica::End::source) continue;
      a_.wait_state(report.relationship.name, CopyState::synchronized);
      wait_level(a_, report.relationship.name);
    }
    Found here = a_.look(volumes, load_.blocks);
    judge(history_.lost_answered(here), a_);
    same("a", here, "b", b_.look(volumes, load_.blocks));
  }

  void lose_the_source() {
    begin_load();
    run_for(20, 200);
    Node::Going going = a_.begin(a_.system().set_pairs(root, relation, static_cast<std::uint16_t>(Operation::remove_sync_pair), {"p/v1"}));
    run_for(0, 40);
    crash(a_, rng_.coin());
    static_cast<void>(going);
    run_for(1, 500);
    world_.run_for(contact_decided);
    tell("failover to b");
    b_.operate(relation, Operation::failover);
    Found found = b_.look(volumes, load_.blocks);
    std::erase_if(found, [members = b_.volumes_of("g")](const auto& entry) { return std::ranges::find(members, "v" + std::to_string(entry.first.volume)) == members.end(); });
    judge(history_.not_a_prefix(found), b_);
    restart(a_);
    for (Node* node : {&a_, &b_}) node->stop();
  }

  Node a_, b_;
  std::uint64_t loads_ = 0;
};

}  // namespace

std::unique_ptr<Story> make_pairs_story(std::uint64_t seed, bool verbose) { return std::make_unique<Pairs>(seed, verbose); }

}  // namespace lockstep::sim
