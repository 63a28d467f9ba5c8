// Three systems: a is the source of b and c, or of b, which is c's. What hosts wrote to a is a's, whatever is tried elsewhere.
#include <algorithm>
#include <array>

#include "sim/story.h"

namespace lockstep::sim {
namespace {

using replica::CopyState;
using replica::Mode;
using replica::Operation;

constexpr std::size_t volumes = 2;
constexpr Duration bound = std::chrono::milliseconds(100);
constexpr Duration local = std::chrono::milliseconds(60);   // what a write may wait for its own system

class Trio final : public Story {
 public:
  Trio(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0x7710), a_(world_, "a", sizes()), b_(world_, "b", sizes()), c_(world_, "c", sizes()) {
    load_.pause = std::chrono::microseconds(1500 + rng_.below(6000));   // two links are to carry it
    chain_ = rng_.coin();
    first_ = mode(true);
    second_ = mode(!chain_);
  }

  void play() override {
    set_up();
    std::uint64_t rounds = 2 + rng_.below(4);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      a_.begin_load(history_, rng_.named("load" + std::to_string(i)), load_, volumes);
      run_for(5, 120);
      step();
    }
    finish();
  }

 private:
  Mode mode(bool answers_hosts) {
    constexpr std::array all{Mode::asynchronous, Mode::adaptive, Mode::synchronous};
    return all[rng_.below(answers_hosts ? 3 : 2)];
  }

  Node& second_source() { return chain_ ? b_ : a_; }
  [[nodiscard]] std::string second_name() const { return chain_ ? "bc" : "ac"; }

  void follow(Node& from, Node& to, const std::string& name, Mode mode, bool onto_existing) {
    manage::CreateReplica request;
    request.mode = static_cast<std::uint16_t>(mode);
    if (onto_existing) request.target_group = "p/g";
    create(from, to, name, request);
  }

  void set_up() {
    for (Node* node : {&a_, &b_, &c_}) make_pool(*node);
    pair_up(a_, b_);
    pair_up(a_, c_);
    pair_up(b_, c_);
    make_group(a_, "g", volumes, load_.blocks);
    follow(a_, b_, "ab", first_, false);
    follow(second_source(), c_, second_name(), second_, false);
    settle();
  }

  void step() {
    switch (rng_.below(10)) {
      case 0: return crash_source(false);
      case 1: return crash_source(true);
      case 2: return crash_target(b_);
      case 3: return crash_target(c_);
      case 4: return cut_network();
      case 5: return crash_in_mid_resync();
      case 6: return open_the_last();
      case 7: return chain_ ? open_the_middle() : promote_a_sibling();
      case 8: return stall();
      default: return pace();
    }
  }

  void crash_source(bool power) {
    crash(a_, power);
    run_for(1, 300);
    restart(a_);
    Found found = a_.look_at_once("g", volumes, load_.blocks);
    if (!power) judge(history_.lost_answered(found), a_);
    judge(history_.lost_flushed(found), a_);
    judge(history_.not_a_prefix(found), a_);
    Found let_in = a_.look(volumes, load_.blocks);
    judge(history_.lost_flushed(let_in), a_);
    judge(history_.not_a_prefix(let_in), a_);
    a_.wait_state("ab", CopyState::synchronized);
    found = a_.look(volumes, load_.blocks);
    if (found != let_in) throw Failure("a: what the volumes hold has changed under hosts that only looked");
    history_.rebase(found);
    settle();
  }

  void crash_target(Node& node) {
    crash(node, rng_.coin());
    run_for(10, 600);
    restart(node);
    run_for(1, 100);
    settle();
  }

  void cut_network() {
    ++faults_;
    bool near = rng_.coin();
    Node &x = near ? a_ : second_source(), &y = near ? b_ : c_;
    tell("network cut between " + x.name() + " and " + y.name());
    world_.network().partition(x.host(), y.host());
    run_for(10, 5000);
    tell("network healed");
    world_.network().heal(x.host(), y.host());
    run_for(1, 50);
    settle();
  }

  // b, out of reach for long enough that its change map brings it back, dies on the way: once or twice.
  void crash_in_mid_resync() {
    ++faults_;
    tell("network cut between a and b, for long");
    world_.network().partition(a_.host(), b_.host());
    run_for(4000, 9000);
    a_.end_load();
    tell("network healed");
    world_.network().heal(a_.host(), b_.host());
    for (std::uint64_t times = 1 + rng_.below(2); times > 0; --times) {
      run_for(1, 700);
      crash(b_, rng_.coin());
      if (chain_ && rng_.coin()) judge(history_.not_a_prefix(c_.look_at_once("g", volumes, load_.blocks)), c_), tell("c looked at");
      run_for(1, 200);
      restart(b_);
    }
    settle();
  }

  // c is opened while its source is gone: it holds a's writes up to one of them. Then it follows again.
  void open_the_last() {
    Node& source = second_source();
    auto before = source.report(second_name());
    bool promised = !chain_ && before && before->copy_state == CopyState::synchronized && before->mode_in_force == Mode::synchronous && second_ == Mode::synchronous;
    if (rng_.coin()) {   // out of the middle of what happens in between
      ++faults_;
      world_.network().partition(source.host(), c_.host());
      run_for(10, 6000);
      world_.network().heal(source.host(), c_.host());
      run_for(1, 300);
      promised = false;
    }
    bool power = rng_.coin();
    crash(source, power);
    if (chain_) a_.end_load();
    run_for(1, 100);
    tell("failover to c");
    c_.operate(second_name(), Operation::failover);
    Found found = c_.look(volumes, load_.blocks);
    if (promised) judge(history_.lost_answered(found), c_);
    judge(history_.not_a_prefix(found), c_);
    restart(source);
    if (!chain_) {
      Found here = a_.look(volumes, load_.blocks);
      judge(history_.lost_flushed(here), a_);
      judge(history_.not_a_prefix(here), a_);
      history_.rebase(here);
    }
    run_for(1, 3000);
    tell("c follows again");
    c_.operate(second_name(), Operation::detach);
    world_.run_for(contact_decided);
    for (const replica::Report& report : source.system().relationships())
      if (report.relationship.name == second_name()) throw Failure(source.name() + ": " + second_name() + " was detached, and is still there");
    follow(source, c_, second_name(), second_, true);
    settle();
  }

  // b takes a's place while a is gone, and c goes with it; then a leads again.
  void open_the_middle() {
    auto before = a_.report("ab");
    bool promised = first_ == Mode::synchronous && before && before->copy_state == CopyState::synchronized && before->mode_in_force == Mode::synchronous;
    crash(a_, rng_.coin());
    run_for(1, 100);
    tell(std::string("failover to b") + (promised ? ", every answered write promised" : ""));
    b_.operate("ab", Operation::failover);
    Found found = b_.look(volumes, load_.blocks);
    if (promised) judge(history_.lost_answered(found), b_);
    judge(history_.not_a_prefix(found), b_);
    history_.rebase(found);
    if (rng_.coin()) {
      b_.begin_load(history_, rng_.named("on b"), load_, volumes);
      run_for(5, 100);
      b_.end_load();
    }
    wait_level(b_, "bc");
    same_on(b_, c_);
    restart(a_);
    run_for(1, 3000);
    for (Node* leader : {&b_, &a_}) {
      tell("reverse roles: " + leader->name() + " leads");
      leader->operate("ab", Operation::reverse_roles);
      auto now = leader->report("ab");
      if (now && now->copy_state == CopyState::suspended) leader->operate("ab", Operation::resume);
      wait_level(*leader, "ab");
      same_on(a_, b_);
    }
    settle();
  }

  // a is gone; b is opened, and told of c where that has more; c follows b without a full copy, and keeps what only it had. Then a leads again.
  void promote_a_sibling() {
    bool ahead = rng_.coin();
    if (ahead) {
      partition(a_, b_);
      run_for(50, 400);
    }
    crash(a_, rng_.coin());
    if (ahead) heal(a_, b_);
    world_.run_for(contact_decided);
    Found of_c = c_.look_at_once("g", volumes, load_.blocks);
    judge(history_.not_a_prefix(of_c), c_);
    std::uint64_t before = b_.system().last_event();
    tell(std::string("failover to b") + (ahead ? ", which lags behind c" : ""));
    b_.operate("ab", Operation::failover);
    Found found = b_.look(volumes, load_.blocks);
    judge(history_.not_a_prefix(found), b_);
    // Both are prefixes of one order, and of one block's numbers the higher is the later.
    bool more = std::any_of(of_c.begin(), of_c.end(), [&found](const auto& block) { return block.second > found.at(block.first); });
    bool named = false;
    for (const manage::Event& event : b_.system().events(before, 1000)) named = named || event.kind == "Sibling";
    if (more && !named) throw Failure("c has more than b, and nobody was told at the failover to b");
    History there = history_.forked(found);
    b_.begin_load(there, rng_.named("on b"), load_, volumes);
    run_for(5, 60);
    b_.end_load();
    c_.operate("ac", Operation::detach);
    manage::CreateReplica request;
    request.mode = static_cast<std::uint16_t>(Mode::asynchronous);
    request.target_group = "p/g";
    create(b_, c_, "bc", request);
    wait_level(b_, "bc");
    same_on(b_, c_);
    judge(there.lost_answered(b_.look(volumes, load_.blocks)), b_);
    if (more) {
      bool kept = false;
      for (const manage::SnapshotInfo& info : c_.kept_snapshots()) kept = kept || c_.look_at_snapshot(info.row.id, volumes, load_.blocks) == of_c;
      if (!kept) throw Broken("c followed b, and what only c had is in no snapshot");
    }
    lead_again(there);
  }

  void lead_again(History& there) {
    restart(a_);
    run_for(1, 3000);
    b_.operate("bc", Operation::detach);
    world_.run_for(contact_decided);
    if (a_.report("ac")) a_.operate("ac", Operation::detach);
    tell("failback: a leads");
    b_.operate("ab", Operation::failback);
    wait_level(a_, "ab");
    Found found = a_.look(volumes, load_.blocks);
    judge(there.lost_answered(found), a_);
    history_ = there.forked(found);
    follow(a_, c_, "ac", second_, true);
    settle();
  }

  // The target is slow, or silent: under Adaptive no write waits longer than the bound.
  void stall() {
    ++faults_;
    bool bounded = first_ != Mode::synchronous && (chain_ || second_ != Mode::synchronous);
    run_for(5500, 8000);   // long enough to be trusted
    static_cast<void>(a_.longest_wait());
    Node& slow = chain_ || rng_.coin() ? b_ : c_;
    std::uint64_t how = rng_.below(3);
    tell(slow.name() + (how == 0 ? "'s disk stalls" : how == 1 ? " answers late" : " falls silent") + (bounded ? ", and nobody waits for it" : ""));
    if (how == 0) slow.host().disk().set_slowness(static_cast<unsigned>(100 + rng_.below(900)));
    if (how == 1) world_.network().delay(slow.host(), a_.host(), std::chrono::milliseconds(20 + rng_.below(400)));
    if (how == 2) world_.network().go_silent(slow.host(), a_.host());
    run_for(500, 5000);
    if (how == 0) slow.host().disk().set_slowness(1);
    if (how == 1) world_.network().delay(slow.host(), a_.host(), Duration{0});
    Duration longest = a_.longest_wait();
    if (bounded && longest > bound + local) throw Failure("a write waited " + std::to_string(longest.count() / 1'000'000) + " ms for a target; the bound of Adaptive is 100 ms");
    settle();
  }

  // Hosts that outrun the link of ab are slowed so that the objective is kept; and no more once the limit is gone.
  void pace() {
    if (first_ == Mode::synchronous) return settle();
    a_.end_load();
    replica::Settings usual = a_.report("ab")->relationship.settings, tight = usual;
    tight.rpo_seconds = 4;   // what it lacks then fits into any journal budget of these worlds
    tight.on_rpo = replica::RpoAction::pace;
    tight.limit_per_second = 48_KiB;
    tight.mode = Mode::asynchronous;
    tell("a limit of 48 KiB/s, RPO 4 s, paced");
    a_.must<void>("set ab", a_.system().change_settings(root, "ab", tight));
    Load heavy = load_;
    heavy.paced = true;
    heavy.big_per_mille = 0;
    heavy.in_flight = 4;
    heavy.pause = std::chrono::milliseconds(330);   // 4 hands, 8 KiB each: about twice the limit
    a_.begin_load(history_, rng_.named("heavy"), heavy, volumes);
    for (int i = 0; i < 100; ++i) {
      world_.run_for(std::chrono::milliseconds(200));
      auto now = a_.report("ab");
      if (now && now->copy_state == CopyState::synchronized && now->lag > std::chrono::milliseconds(4800))
        throw Failure("lag of " + std::to_string(now->lag.count() / 1'000'000) + " ms under an RPO of 4 s that is paced");
    }
    a_.end_load();
    a_.must<void>("set ab", a_.system().change_settings(root, "ab", usual));
    settle();
  }

  void same_on(Node& x, Node& y) { same(x.name(), x.look(volumes, load_.blocks), y.name(), y.look(volumes, load_.blocks)); }

  // The load ends, everything heals, and all three are the same.
  void settle() {
    a_.end_load();
    world_.run_for(contact_decided);
    wait_level(a_, "ab");
    wait_level(second_source(), second_name());
    judge(history_.lost_answered(a_.look(volumes, load_.blocks)), a_);
    same_on(a_, b_);
    same_on(a_, c_);
  }

  void finish() {
    tell("clean stop of all, and restart");
    for (Node* node : {&a_, &b_, &c_}) {
      node->stop();
      node->restart();
    }
    settle();
    for (Node* node : {&a_, &b_, &c_}) node->stop();
  }

  Node a_, b_, c_;
  bool chain_ = false;
  Mode first_ = Mode::asynchronous, second_ = Mode::asynchronous;
};

}  // namespace

std::unique_ptr<Story> make_trio_story(std::uint64_t seed, bool verbose) { return std::make_unique<Trio>(seed, verbose); }

}  // namespace lockstep::sim
