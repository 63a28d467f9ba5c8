#include <array>
#include <cstdio>

#include "sim/cluster.h"
#include "sim/sim.h"

namespace lockstep::sim {
namespace {

constexpr std::size_t volumes = 2;
constexpr const char* relation = "r";
constexpr Duration contact_decided = std::chrono::seconds(4);   // by then a lost target is known to be lost, and figures are fresh

class Scenario {
 public:
  Scenario(std::uint64_t seed, bool verbose)
      : verbose_(verbose), world_(seed, world_options(seed)), rng_(world_.rng().named("scenario")), a_(world_, "a", sizes()), b_(world_, "b", sizes()), source_(&a_), target_(&b_) {
    load_.in_flight = 2 + rng_.below(6);
    load_.blocks = 32 + rng_.below(64);
    load_.big_per_mille = rng_.coin() ? 0 : 40;
    load_.pause = std::chrono::microseconds(300 + rng_.below(3000));
    synchronous_ = rng_.coin();
  }

  void play() {
    set_up();
    std::uint64_t rounds = 2 + rng_.below(5);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      source_->begin_load(history_, rng_.named("load" + std::to_string(i)), load_, volumes);
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
    os::sim::Rng rng(seed ^ 0x77);
    os::sim::WorldOptions options;
    options.disk.sync = {std::chrono::microseconds(50), std::chrono::microseconds(200 + rng.below(5000))};
    options.net.latency = {std::chrono::microseconds(30), std::chrono::microseconds(100 + rng.below(3000))};
    options.disk.capacity = 1_GiB;
    return options;
  }
  Sizes sizes() {
    Sizes sizes;
    sizes.segment = rng_.coin() ? 256_KiB : 512_KiB;
    sizes.overlay = Bytes{(1152 + rng_.below(2048)) << 10};   // 16 times the largest batch is the least
    sizes.journal_budget = Bytes{(512 + rng_.below(2048)) << 10};
    return sizes;
  }

  void tell(const std::string& what) {
    world_.note(what);
    if (verbose_) std::printf("%10.3f ms %8llu events  %s\n", static_cast<double>(world_.now().since_start.count()) / 1e6, static_cast<unsigned long long>(world_.events()), what.c_str()), std::fflush(stdout);
  }
  void run_for(std::uint64_t least_ms, std::uint64_t most_ms) { world_.run_for(std::chrono::microseconds(least_ms * 1000 + rng_.below((most_ms - least_ms) * 1000))); }
  void judge(const std::optional<std::string>& wrong) {
    if (wrong) throw Broken(*wrong);
  }

  // Hosts that write more than the link carries are never caught up with: where that is waited for while they write, they write less.
  Load bearable(Load load) const {
    const os::sim::NetOptions& net = world_.options().net;
    const double round_trip = static_cast<double>((2 * (net.latency.most + net.jitter.most)).count()) / 1e9;
    const double carried = static_cast<double>(net.window.value) / round_trip;   // a second
    const double blocks = 2 + 18.0 * load.big_per_mille / 1000;                  // of a write
    const double seconds = static_cast<double>(load.in_flight) * blocks * block_size / (carried * 0.6);
    load.pause = std::max(load.pause, Duration(static_cast<std::int64_t>(seconds * 1e9)));
    return load;
  }

  void set_up() {
    for (Node* node : {&a_, &b_}) {
      node->start();
      node->must<void>("create pool", node->system().create_pool(root, "p", "/data/pools/p"));
    }
    std::string token = a_.must<std::string>("invite", a_.system().invite(root, std::chrono::hours(1)));
    b_.must<replica::Peer>("join", b_.system().join(root, token));
    std::vector<std::string> names;
    for (std::size_t v = 0; v < volumes; ++v) {
      names.push_back("p/v" + std::to_string(v));
      a_.must<void>("create volume", a_.system().create_volume(root, names.back(), offset_of(Block{load_.blocks})));
    }
    a_.must<void>("create group", a_.system().create_group(root, "g", names));
    if (rng_.coin()) {   // something to copy first
      a_.begin_load(history_, rng_.named("before"), bearable(load_), volumes);
      run_for(2, 40);
      if (rng_.coin()) a_.end_load();
    }
    manage::CreateReplica request;
    request.pool = "p";
    request.group = "g";
    request.relationship_name = relation;
    request.sync_type = 6;
    request.mode = static_cast<std::uint16_t>(synchronous_ ? replica::Mode::synchronous : replica::Mode::asynchronous);
    request.target_system = "b";
    tell(std::string("create replica, ") + (synchronous_ ? "synchronous" : "asynchronous"));
    a_.finish(a_.must<manage::Outcome>("create replica", a_.system().create_replica(root, request)), "create replica");
    a_.end_load();
    a_.wait_state(relation, replica::CopyState::synchronized);
    check_equal();
  }

  void step() {
    switch (rng_.below(8)) {
      case 0: return crash_source(false);
      case 1: return crash_source(true);
      case 2: return crash_target(rng_.coin());
      case 3: return cut_network();
      case 4: return planned_failover();
      case 5:
      case 6: return unplanned_failover(rng_.coin());
      default: return suspend_and_resume();
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

  void crash_source(bool power) {
    crash(*source_, power);
    run_for(1, 300);
    tell("restart of " + source_->name());
    source_->restart();
    Found found = source_->look_at_once("g", volumes, load_.blocks);
    if (!power) judge(history_.lost_answered(found));
    judge(history_.lost_flushed(found));
    judge(history_.not_a_prefix(found));
    // A source that lost power may have been behind its target, and fetches back what it lost before hosts are let in.
    Found let_in = source_->look(volumes, load_.blocks);
    judge(history_.lost_flushed(let_in));
    judge(history_.not_a_prefix(let_in));
    source_->wait_state(relation, replica::CopyState::synchronized);
    found = source_->look(volumes, load_.blocks);
    if (found != let_in) throw Failure(source_->name() + ": what the volumes hold has changed under hosts that only looked");
    history_.rebase(found);
    settle();
  }

  void crash_target(bool power) {
    crash(*target_, power);
    run_for(10, 600);
    tell("restart of " + target_->name());
    target_->restart();
    run_for(1, 100);
    settle();
  }

  void cut_network() {
    ++faults_;
    tell("network cut");
    world_.network().partition(a_.host(), b_.host());
    run_for(10, 5000);
    tell("network healed");
    world_.network().heal(a_.host(), b_.host());
    run_for(1, 50);
    settle();
  }

  void suspend_and_resume() {
    source_->end_load();
    tell("suspend");
    source_->operate(relation, replica::Operation::suspend);
    source_->begin_load(history_, rng_.named("suspended"), load_, volumes);
    run_for(5, 200);
    source_->end_load();   // a load that never pauses outruns every pass over a link this slow
    tell("resume");
    source_->operate(relation, replica::Operation::resume);
    settle();
  }

  void planned_failover() {
    source_->end_load();
    tell("planned failover to " + target_->name());
    target_->operate(relation, replica::Operation::failover);
    Found found = target_->look(volumes, load_.blocks);
    judge(history_.lost_answered(found));
    history_.rebase(found);
    swap_roles();
  }

  void unplanned_failover(bool power) {
    auto before = source_->report(relation);
    bool promised = synchronous_ && before && before->copy_state == replica::CopyState::synchronized && before->mode_in_force == replica::Mode::synchronous;
    crash(*source_, power);
    run_for(1, 100);
    tell(std::string("unplanned failover to ") + target_->name() + (promised ? ", every answered write promised" : ""));
    target_->operate(relation, replica::Operation::failover);
    Found found = target_->look(volumes, load_.blocks);
    if (promised) judge(history_.lost_answered(found));
    judge(history_.not_a_prefix(found));
    history_.rebase(found);
    if (rng_.coin()) {
      target_->begin_load(history_, rng_.named("after failover"), load_, volumes);
      run_for(5, 100);
      target_->end_load();
    }
    tell("restart of " + source_->name());
    source_->restart();
    run_for(1, 3000);
    swap_roles();
  }

  // The former target serves; the former source becomes its target.
  void swap_roles() {
    std::swap(source_, target_);
    tell("reverse roles: " + source_->name() + " is the source");
    source_->operate(relation, replica::Operation::reverse_roles);
    source_->operate(relation, replica::Operation::resume);
    settle();
  }

  // The load ends, the pair heals, and both ends are the same.
  void settle() {
    source_->end_load();
    world_.run_for(contact_decided);
    source_->wait_state(relation, replica::CopyState::synchronized);
    check_equal();
  }

  void check_equal() {
    world_.run_for(contact_decided);
    Instant end = world_.now() + std::chrono::seconds(30);
    for (;;) {
      auto report = source_->report(relation);
      if (report && report->backlog.value == 0 && report->lag == Duration{0}) break;
      if (world_.now() > end) throw Failure("the backlog of an idle source does not go away: " + (report ? std::to_string(report->backlog.value) + " bytes, lag " + std::to_string(report->lag.count() / 1'000'000) + " ms, " + std::string(replica::name_of(report->copy_state)) : std::string("no report")));
      world_.run_for(std::chrono::milliseconds(50));
    }
    Found here = source_->look(volumes, load_.blocks), there = target_->look(volumes, load_.blocks);
    judge(history_.lost_answered(here));
    for (const auto& [spot, number] : here)
      if (there.at(spot) != number)
        throw Failure("Synchronized with an empty backlog, and volume " + std::to_string(spot.volume) + " block " + std::to_string(spot.block) + " holds write " + std::to_string(number) + " on " + source_->name() + " and write " +
                      std::to_string(there.at(spot)) + " on " + target_->name());
  }

  void finish() {
    tell("clean stop of both, and restart");
    for (Node* node : {source_, target_}) {
      node->stop();
      node->restart();
    }
    settle();
    for (Node* node : {source_, target_}) node->stop();
  }

  bool verbose_;
  os::sim::World world_;
  os::sim::Rng rng_;
  Node a_, b_;
  Node *source_, *target_;
  Load load_;
  bool synchronous_ = false;
  History history_;
  std::uint64_t faults_ = 0;
};

}  // namespace

Outcome run_seed(std::uint64_t seed, bool verbose) {
  Scenario scenario(seed, verbose);
  Outcome outcome;
  try {
    scenario.play();
  } catch (const Failure& failure) {
    outcome.failure = failure.what();
    outcome.broke_a_promise = dynamic_cast<const Broken*>(&failure) != nullptr;
  }
  outcome.event_hash = scenario.world().event_hash();
  outcome.writes = scenario.history().writes();
  outcome.answers = scenario.history().answers();
  outcome.faults = scenario.faults();
  return outcome;
}

}  // namespace lockstep::sim
