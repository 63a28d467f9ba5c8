#include "sim/story.h"

#include <array>
#include <cstdio>

namespace lockstep::sim {
namespace {

os::sim::WorldOptions world_options(std::uint64_t seed) {
  os::sim::Rng rng(seed);
  os::sim::WorldOptions options;
  options.disk.sync = {std::chrono::microseconds(50), std::chrono::microseconds(200 + rng.below(5000))};
  options.net.latency = {std::chrono::microseconds(30), std::chrono::microseconds(100 + rng.below(3000))};
  options.disk.capacity = 1_GiB;
  return options;
}

}  // namespace

Story::Story(std::uint64_t seed, bool verbose, std::uint64_t salt) : verbose_(verbose), world_(seed, world_options(seed ^ salt)), rng_(os::sim::Rng(seed ^ (salt << 32)).named("story")) {
  load_.in_flight = 2 + rng_.below(6);
  load_.blocks = 32 + rng_.below(64);
  load_.big_per_mille = rng_.coin() ? 0 : 40;
}

Sizes Story::sizes() {
  Sizes sizes;
  sizes.segment = rng_.coin() ? 256_KiB : 512_KiB;
  sizes.overlay = Bytes{(1152 + rng_.below(2048)) << 10};   // 16 times the largest batch is the least
  sizes.journal_budget = Bytes{(512 + rng_.below(2048)) << 10};
  return sizes;
}

os::sim::Tear Story::tear() {
  constexpr std::array kinds{os::sim::Tear::keep_all, os::sim::Tear::lose_all, os::sim::Tear::whole_writes, os::sim::Tear::sectors, os::sim::Tear::mid_sector};
  return kinds[rng_.below(kinds.size())];
}

void Story::tell(const std::string& what) {
  world_.note(what);
  if (!verbose_) return;
  std::printf("%10.3f ms %8llu events  %s\n", static_cast<double>(world_.now().since_start.count()) / 1e6, static_cast<unsigned long long>(world_.events()), what.c_str());
  std::fflush(stdout);
}

void Story::run_for(std::uint64_t least_ms, std::uint64_t most_ms) { world_.run_for(std::chrono::microseconds(least_ms * 1000 + rng_.below((most_ms - least_ms) * 1000))); }

void Story::judge(const std::optional<std::string>& wrong, const Node& node) {
  if (wrong) throw Broken(node.name() + ": " + *wrong);
}

void Story::judge_what_is_left(const Found& found, bool lost_power, const Node& node) {
  if (!lost_power) judge(history_.lost_answered(found), node);
  judge(history_.lost_flushed(found), node);
  judge(history_.not_a_prefix(found), node);
}

Load Story::bearable(Load load) const {
  const os::sim::NetOptions& net = world_.options().net;
  const double round_trip = static_cast<double>((2 * (net.latency.most + net.jitter.most)).count()) / 1e9;
  const double carried = static_cast<double>(net.window.value) / round_trip;   // a second
  const double blocks = 2 + 18.0 * load.big_per_mille / 1000;                  // of a write
  const double seconds = static_cast<double>(load.in_flight) * blocks * block_size / (carried * 0.6);
  load.pause = std::max(load.pause, Duration(static_cast<std::int64_t>(seconds * 1e9)));
  return load;
}

void Story::make_pool(Node& node) {
  node.start();
  node.must<void>("create pool", node.system().create_pool(root, "p", "/data/pools/p"));
}

void Story::pair_up(Node& host, Node& guest) {
  std::string token = host.must<std::string>("invite", host.system().invite(root, std::chrono::hours(1)));
  guest.must<replica::Peer>("join", guest.system().join(root, token));
}

void Story::make_group(Node& node, const std::string& group, std::size_t volumes, std::uint64_t blocks) {
  std::vector<std::string> names;
  for (std::size_t v = 0; v < volumes; ++v) {
    names.push_back("p/v" + std::to_string(v));
    node.must<void>("create volume", node.system().create_volume(root, names.back(), offset_of(Block{blocks})));
  }
  node.must<void>("create group", node.system().create_group(root, group, names));
}

void Story::create(Node& from, Node& to, const std::string& name, manage::CreateReplica request) {
  if (request.pool.empty()) request.pool = "p";
  if (request.group.empty()) request.group = "g";
  request.relationship_name = name;
  if (!request.sync_type) request.sync_type = 6;
  request.target_system = to.name();
  tell("create " + name + ": " + std::string(replica::name_of(static_cast<replica::SyncType>(*request.sync_type))) + " on " + to.name() +
       (request.mode ? ", " + std::string(replica::name_of(static_cast<replica::Mode>(*request.mode))) : std::string()) + (request.target_group ? ", onto " + *request.target_group : std::string()));
  from.finish(from.must<manage::Outcome>("create " + name, from.system().create_replica(root, request)), "create " + name);
}

void Story::set_up_mirror(Node& from, Node& to, const std::string& name, std::size_t volumes) {
  for (Node* node : {&from, &to}) make_pool(*node);
  pair_up(from, to);
  make_group(from, "g", volumes, load_.blocks);
  constexpr std::array modes{replica::Mode::synchronous, replica::Mode::asynchronous, replica::Mode::adaptive};
  manage::CreateReplica request;
  request.mode = static_cast<std::uint16_t>(modes[rng_.below(modes.size())]);
  create(from, to, name, request);
  wait_level(from, name);
}

void Story::crash(Node& node, bool power) {
  ++faults_;
  tell((power ? "power cut of " : "kill of ") + node.name());
  node.crash(power, tear());
}

void Story::restart(Node& node) {
  tell("restart of " + node.name());
  node.restart();
}

void Story::partition(Node& x, Node& y) {
  ++faults_;
  tell("network cut between " + x.name() + " and " + y.name());
  world_.network().partition(x.host(), y.host());
}

void Story::heal(Node& x, Node& y) {
  tell("network healed between " + x.name() + " and " + y.name());
  world_.network().heal(x.host(), y.host());
}

void Story::wait_level(Node& source, const std::string& relationship) {
  source.wait_state(relationship, replica::CopyState::synchronized);
  Instant end = world_.now() + std::chrono::seconds(30);
  for (;;) {
    world_.run_for(std::chrono::milliseconds(600));   // a heartbeat: figures are fresh
    auto report = source.report(relationship);
    if (report && report->copy_state == replica::CopyState::synchronized && report->backlog.value == 0 && report->lag == Duration{0}) return;
    if (world_.now() > end)
      throw Failure(relationship + ": the backlog of an idle source does not go away: " +
                    (report ? std::to_string(report->backlog.value) + " bytes, lag " + std::to_string(report->lag.count() / 1'000'000) + " ms, " + std::string(replica::name_of(report->copy_state)) : std::string("no report")));
  }
}

void Story::same(const std::string& x, const Found& here, const std::string& y, const Found& there) {
  for (const auto& [spot, number] : here) {
    auto other = there.find(spot);
    if (other == there.end() || other->second != number)
      throw Broken("they are to be equal, and volume " + std::to_string(spot.volume) + " block " + std::to_string(spot.block) + " holds write " + std::to_string(number) + " on " + x + " and " +
                   (other == there.end() ? std::string("nothing") : "write " + std::to_string(other->second)) + " on " + y);
  }
  if (here.size() != there.size()) throw Broken(x + " and " + y + " are to be equal, and are not of one size");
}

Outcome outcome_of(Story& story) {
  Outcome outcome;
  try {
    story.play();
  } catch (const Failure& failure) {
    outcome.failure = failure.what();
    story.tell("failed: " + *outcome.failure);   // now: the world may not come to its end any more
    outcome.broke_a_promise = dynamic_cast<const Broken*>(&failure) != nullptr;
  }
  outcome.event_hash = story.world().event_hash();
  outcome.writes = story.history().writes();
  outcome.answers = story.history().answers();
  outcome.faults = story.faults();
  return outcome;
}

}  // namespace lockstep::sim
