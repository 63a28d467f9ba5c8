// Volumes leave a group and join it while hosts write to all of them, and the system dies in the midst. Whoever its members are then is
// mirrored; where the source is lost, the target's group is one prefix of what was written to those.
#include <set>

#include "sim/story.h"

namespace lockstep::sim {
namespace {

constexpr std::size_t volumes = 3;
constexpr const char* relation = "r";
using Names = std::set<std::string>;

// As an operation that has no job.
rt::Task<manage::Answer<manage::Outcome>> at_once(rt::Task<manage::Answer<>> call) {
  manage::Answer<> done = co_await call;
  if (!done) co_return std::unexpected(done.error());
  co_return manage::Outcome{};
}

class Members final : public Story {
 public:
  Members(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0x3e3b), a_(world_, "a", sizes()), b_(world_, "b", sizes()) { load_.pause = std::chrono::microseconds(1000 + rng_.below(8000)); }

  void play() override {
    for (Node* node : {&a_, &b_}) make_pool(*node);
    pair_up(a_, b_);
    make_group(a_, "g", volumes, load_.blocks);
    for (std::uint64_t rounds = 2 + rng_.below(5); rounds > 0; --rounds) change("p/v" + std::to_string(rng_.below(volumes)));
    while (members(a_).empty()) change("p/v0");
    create(a_, b_, relation, {});
    wait_level(a_, relation);
    stays_as_it_is();
    same("a", found_on(a_), "b", found_on(b_));
    if (rng_.coin()) lose_the_source();
    for (Node* node : {&a_, &b_})
      if (node->up()) node->stop();
  }

 private:
  static Names members(Node& node) {
    std::vector<std::string> names = node.volumes_of("g");
    return {names.begin(), names.end()};
  }
  rt::Task<manage::Answer<>> call(bool leaves, const std::string& volume) {
    return leaves ? a_.system().remove_members(root, "g", {volume}) : a_.system().add_members(root, "g", {volume});
  }

  // Who is in goes, who is out comes; a fault that breaks it off leaves the one or the other.
  void change(const std::string& volume) {
    const Names before = members(a_);
    const std::string name = volume.substr(2);
    const bool leaves = before.contains(name);
    Names after = before;
    if (leaves) after.erase(name);
    else after.insert(name);
    tell(volume + (leaves ? " leaves" : " joins"));
    a_.begin_load(history_, rng_.named("load" + std::to_string(++loads_)), load_, volumes);
    run_for(2, 40);
    if (rng_.coin()) {
      a_.must<void>("change members", call(leaves, volume));
    } else {
      Node::Going going = a_.begin(at_once(call(leaves, volume)));
      world_.run_for(std::chrono::microseconds(rng_.below(3000)));
      const bool answered = going->has_value() && !**going;
      die();
      Names now = members(a_);
      if (now != before && now != after) throw Failure("a change of members that broke off left neither the old nor the new ones");
      if (answered && now != after) throw Broken("a change of members was answered, and is undone");
      if (now != after) a_.must<void>("change members again", call(leaves, volume));
    }
    run_for(2, 40);
    a_.end_load();
    if (members(a_) != after) throw Failure("the members are not those that were asked for");
    judge(history_.lost_answered(a_.look(volumes, load_.blocks)), a_);
  }

  void die() {
    const bool power = rng_.coin();
    crash(a_, power);
    run_for(1, 300);
    restart(a_);
    Found found = a_.look(volumes, load_.blocks);
    judge_what_is_left(found, power, a_);
    history_.rebase(found);
    a_.begin_load(history_, rng_.named("after" + std::to_string(loads_)), load_, volumes);
  }

  // A mirrored group changes by pairs only.
  void stays_as_it_is() {
    const Names before = members(a_);
    for (std::size_t v = 0; v < volumes; ++v) {
      const std::string name = "v" + std::to_string(v);
      if (a_.run(call(before.contains(name), "p/" + name))) throw Failure("a member of a mirrored group was changed on one side");
    }
    if (members(a_) != before || members(b_) != before) throw Failure("a refused change of members changed them");
  }

  // What is on the volumes of the group, by their own numbers.
  Found found_on(Node& node) {
    std::vector<std::string> names = node.volumes_of("g");
    Found out;
    for (const auto& [spot, number] : node.look_group("g", load_.blocks)) out[Spot{static_cast<std::size_t>(std::stoul(names.at(spot.volume).substr(1))), spot.block}] = number;
    return out;
  }

  void lose_the_source() {
    a_.begin_load(history_, rng_.named("last"), bearable(load_), volumes);
    run_for(20, 300);
    crash(a_, rng_.coin());
    run_for(1, 500);
    tell("failover to b");
    b_.operate(relation, replica::Operation::failover);
    judge(history_.not_a_prefix(found_on(b_)), b_);
  }

  Node a_, b_;
  std::uint64_t loads_ = 0;
};

}  // namespace

std::unique_ptr<Story> make_members_story(std::uint64_t seed, bool verbose) { return std::make_unique<Members>(seed, verbose); }

}  // namespace lockstep::sim
