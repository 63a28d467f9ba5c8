// Three systems: a is the source of b and c, or of b, which is c's. What hosts wrote to a is a's, whatever is tried elsewhere.
#include <array>
#include <cstdio>

#include "sim/cluster.h"
#include "sim/sim.h"

namespace lockstep::sim {
namespace {

using replica::CopyState;
using replica::Mode;
using replica::Operation;

constexpr std::size_t volumes = 2;
constexpr Duration contact_decided = std::chrono::seconds(4);
constexpr Duration bound = std::chrono::milliseconds(100);
constexpr Duration local = std::chrono::milliseconds(60);   // what a write may wait for its own system

class Trio {
 public:
  Trio(std::uint64_t seed, bool verbose)
      : verbose_(verbose), world_(seed, world_options(seed)), rng_(world_.rng().named("trio")), a_(world_, "a", sizes()), b_(world_, "b", sizes()), c_(world_, "c", sizes()) {
    load_.in_flight = 2 + rng_.below(6);
    load_.blocks = 32 + rng_.below(64);
    load_.big_per_mille = rng_.coin() ? 0 : 40;
    load_.pause = std::chrono::microseconds(1500 + rng_.below(6000));   // two links are to carry it
    chain_ = rng_.coin();
    first_ = mode(true);
    second_ = mode(!chain_);
  }

  void play() {
    set_up();
    std::uint64_t rounds = 2 + rng_.below(4);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      a_.begin_load(history_, rng_.named("load" + std::to_string(i)), load_, volumes);
      run_for(5, 120);
      step();
    }
    finish();
  }

  [[nodiscard]] const os::sim::World& world() const { return world_; }
  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  static os::sim::WorldOptions world_options(std::uint64_t seed) {
    os::sim::Rng rng(seed ^ 0x7710);
    os::sim::WorldOptions options;
    options.disk.sync = {std::chrono::microseconds(50), std::chrono::microseconds(200 + rng.below(5000))};
    options.net.latency = {std::chrono::microseconds(30), std::chrono::microseconds(100 + rng.below(3000))};
    options.disk.capacity = 1_GiB;
    return options;
  }
  Sizes sizes() {
    Sizes sizes;
    sizes.segment = rng_.coin() ? 256_KiB : 512_KiB;
    sizes.overlay = Bytes{(1152 + rng_.below(2048)) << 10};
    sizes.journal_budget = Bytes{(512 + rng_.below(2048)) << 10};
    return sizes;
  }
  Mode mode(bool answers_hosts) {
    constexpr std::array all{Mode::asynchronous, Mode::adaptive, Mode::synchronous};
    return all[rng_.below(answers_hosts ? 3 : 2)];
  }

  void tell(const std::string& what) {
    world_.note(what);
    if (verbose_) std::printf("%10.3f ms %8llu events  %s\n", static_cast<double>(world_.now().since_start.count()) / 1e6, static_cast<unsigned long long>(world_.events()), what.c_str()), std::fflush(stdout);
  }
  void run_for(std::uint64_t least_ms, std::uint64_t most_ms) { world_.run_for(std::chrono::microseconds(least_ms * 1000 + rng_.below((most_ms - least_ms) * 1000))); }
  void judge(const std::optional<std::string>& wrong, const Node& node) {
    if (wrong) throw Broken(node.name() + ": " + *wrong);
  }
  Node& second_source() { return chain_ ? b_ : a_; }
  [[nodiscard]] std::string second_name() const { return chain_ ? "bc" : "ac"; }

  void create(Node& from, Node& to, const std::string& name, Mode mode, bool onto_existing) {
    manage::CreateReplica request;
    request.pool = "p";
    request.group = "g";
    request.relationship_name = name;
    request.sync_type = 6;
    request.mode = static_cast<std::uint16_t>(mode);
    request.target_system = to.name();
    if (onto_existing) request.target_group = "p/g";
    tell("create " + name + ", " + std::string(replica::name_of(mode)) + (onto_existing ? ", onto what is there" : ""));
    from.finish(from.must<manage::Outcome>("create " + name, from.system().create_replica(root, request)), "create " + name);
  }

  void set_up() {
    for (Node* node : {&a_, &b_, &c_}) {
      node->start();
      node->must<void>("create pool", node->system().create_pool(root, "p", "/data/pools/p"));
    }
    for (auto [host, guest] : {std::pair(&a_, &b_), std::pair(&a_, &c_), std::pair(&b_, &c_)}) {
      std::string token = host->must<std::string>("invite", host->system().invite(root, std::chrono::hours(1)));
      guest->must<replica::Peer>("join", guest->system().join(root, token));
    }
    std::vector<std::string> names;
    for (std::size_t v = 0; v < volumes; ++v) {
      names.push_back("p/v" + std::to_string(v));
      a_.must<void>("create volume", a_.system().create_volume(root, names.back(), offset_of(Block{load_.blocks})));
    }
    a_.must<void>("create group", a_.system().create_group(root, "g", names));
    create(a_, b_, "ab", first_, false);
    create(second_source(), c_, second_name(), second_, false);
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
      case 7: return chain_ ? open_the_middle() : open_the_last();
      case 8: return stall();
      default: return pace();
    }
  }

  os::sim::Tear tear() {
    constexpr std::array kinds{os::sim::Tear::keep_all, os::sim::Tear::lose_all, os::sim::Tear::whole_writes, os::sim::Tear::sectors, os::sim::Tear::mid_sector};
    return kinds[rng_.below(kinds.size())];
  }
  void crash(Node& node, bool power) {
    ++faults_;
    tell((power ? "power cut of " : "kill of ") + node.name());
    node.crash(power, tear());
  }
  void restart(Node& node) {
    tell("restart of " + node.name());
    node.restart();
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
    create(source, c_, second_name(), second_, true);
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
    same(b_, c_);
    restart(a_);
    run_for(1, 3000);
    for (Node* leader : {&b_, &a_}) {
      tell("reverse roles: " + leader->name() + " leads");
      leader->operate("ab", Operation::reverse_roles);
      auto now = leader->report("ab");
      if (now && now->copy_state == CopyState::suspended) leader->operate("ab", Operation::resume);
      wait_level(*leader, "ab");
      same(a_, b_);
    }
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

  void wait_level(Node& source, const std::string& relationship) {
    source.wait_state(relationship, CopyState::synchronized);
    Instant end = world_.now() + std::chrono::seconds(30);
    for (;;) {
      world_.run_for(std::chrono::milliseconds(600));   // a heartbeat: figures are fresh
      auto report = source.report(relationship);
      bool level = report && report->copy_state == CopyState::synchronized && report->backlog.value == 0 && report->lag == Duration{0};
      if (level) return;
      if (world_.now() > end) throw Failure(relationship + ": the backlog of an idle source does not go away: " + (report ? std::to_string(report->backlog.value) + " bytes, lag " + std::to_string(report->lag.count() / 1'000'000) + " ms, " + std::string(replica::name_of(report->copy_state)) : std::string("no report")));
    }
  }

  void same(Node& x, Node& y) {
    Found here = x.look(volumes, load_.blocks), there = y.look(volumes, load_.blocks);
    for (const auto& [spot, number] : here)
      if (there.at(spot) != number)
        throw Failure("Synchronized with an empty backlog, and volume " + std::to_string(spot.volume) + " block " + std::to_string(spot.block) + " holds write " + std::to_string(number) + " on " + x.name() + " and write " + std::to_string(there.at(spot)) + " on " + y.name());
  }

  // The load ends, everything heals, and all three are the same.
  void settle() {
    a_.end_load();
    world_.run_for(contact_decided);
    wait_level(a_, "ab");
    wait_level(second_source(), second_name());
    judge(history_.lost_answered(a_.look(volumes, load_.blocks)), a_);
    same(a_, b_);
    same(a_, c_);
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

  bool verbose_;
  os::sim::World world_;
  os::sim::Rng rng_;
  Node a_, b_, c_;
  Load load_;
  bool chain_ = false;
  Mode first_ = Mode::asynchronous, second_ = Mode::asynchronous;
  History history_;
  std::uint64_t faults_ = 0;
};

}  // namespace

Outcome run_trio_seed(std::uint64_t seed, bool verbose) {
  Trio trio(seed, verbose);
  Outcome outcome;
  try {
    trio.play();
  } catch (const Failure& failure) {
    outcome.failure = failure.what();
    outcome.broke_a_promise = dynamic_cast<const Broken*>(&failure) != nullptr;
  }
  outcome.event_hash = trio.world().event_hash();
  outcome.writes = trio.history().writes();
  outcome.answers = trio.history().answers();
  outcome.faults = trio.faults();
  return outcome;
}

}  // namespace lockstep::sim
