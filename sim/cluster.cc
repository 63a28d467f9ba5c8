#include "sim/cluster.h"

#include <algorithm>

namespace lockstep::sim {
namespace {

manage::Options options_of(const std::string& name, const Sizes& sizes) {
  manage::Options options;
  options.name = name;
  options.advertised = {os::Address{.host = name, .port = 7000, .path = {}}};
  options.pool.memory = 8_MiB;
  options.pool.overlay = sizes.overlay;
  options.pool.journal_budget = sizes.journal_budget;
  options.pool.journal.segment_size = sizes.segment;
  options.pool.journal.batch_max = 128_KiB;
  options.pool.journal.spare_segments = 1;
  options.pool.journal.recent = 256_KiB;
  options.pool.journal.slab = 256_KiB;
  options.pool.store.leaf_cache = 1_MiB;
  options.pool.store.delta_budget = 64_KiB;
  options.pool.store.grow_step = 1_MiB;
  options.pool.store.keep_back = 1_MiB;
  options.pool.store.metadata_reserve = 1_MiB;
  options.replica.in_flight = 512_KiB;
  options.replica.batch = 64_KiB;
  options.scrypt_log2_n = 4;
  return options;
}

std::vector<std::string> numbered(std::size_t volumes) {
  std::vector<std::string> names;
  for (std::size_t v = 0; v < volumes; ++v) names.push_back("v" + std::to_string(v));
  return names;
}

}  // namespace

Node::Node(os::sim::World& world, std::string name, Sizes sizes) : world_(world), host_(world.add_host(std::move(name))), sizes_(sizes) {}

Node::~Node() {
  if (!up()) return;
  host_.kill();
  crash(false, os::sim::Tear::keep_all);
}

void Node::start() {
  manage::Options options = options_of(name(), sizes_);
  auto started = run(manage::start(host_, host_.loop(), "/data", options));
  if (!started) throw Failure(name() + " does not start: " + started.error().message);
  system_ = std::move(*started);
  auto listening = run(system_->engine().listen(os::Address{.host = name(), .port = 7000, .path = {}}));
  if (!listening) throw Failure(name() + " does not listen: " + listening.error().message);
}

void Node::crash(bool power, os::sim::Tear tear) {
  for (auto& initiator : initiators_) initiator->mute();
  if (power) host_.power_cut(tear);
  else if (host_.alive()) host_.kill();
  host_.finish(stop_initiators());
  initiators_.clear();
  system_->end_waits();
  host_.finish([&] { return std::all_of(going_.begin(), going_.end(), [](const Going& going) { return going->has_value(); }); });
  going_.clear();
  host_.finish(system_->stop());
  system_.reset();
}

void Node::stop() {
  end_load();
  run(system_->stop());
  system_.reset();
}

pool::Pool& Node::pool() {
  pool::Pool* pool = system_->pool_of_export("p/v0");
  if (pool == nullptr) throw Failure(name() + ": pool p is not open");
  return *pool;
}

rt::Task<Result<std::vector<pool::VolumeRef>>> Node::open_volumes(std::vector<std::string> names) {
  std::vector<pool::VolumeRef> opened;
  for (const std::string& volume_name : names) {
    auto id = pool().find_volume(volume_name);
    if (!id) co_return fail(Code::not_found, name() + " has no volume " + volume_name);
    CO_TRY(auto volume, pool().open_volume(*id));
    for (Duration wait = volume->hold(); wait > Duration{0}; wait = volume->hold()) {   // as every host has to
      rt::Stop unstopped;
      ignore(co_await rt::sleep_for(pool().loop(), wait, unstopped), "nobody stops this sleep");
    }
    opened.push_back(std::move(volume));
  }
  co_return opened;
}

rt::Task<void> Node::start_initiator(History& history, os::sim::Rng rng, Load load, std::vector<std::string> names, std::string& wrong) {
  auto opened = co_await open_volumes(std::move(names));
  if (!opened) {
    wrong = opened.error().message;
    co_return;
  }
  initiators_.push_back(std::make_unique<Initiator>(pool().loop(), std::move(*opened), history, rng, load));
  initiators_.back()->start();
}

rt::Task<void> Node::stop_initiators() {
  for (auto& initiator : initiators_) co_await rt::run_on(pool().loop(), initiator->stop());
}

void Node::begin_load_named(History& history, os::sim::Rng rng, Load load, std::vector<std::string> names) {
  std::string wrong;
  auto end = world_.start(pool().loop(), start_initiator(history, rng, load, std::move(names), wrong));
  if (!world_.run_until([&] { return end->has_value(); }, std::chrono::minutes(1))) throw Failure(name() + ": hosts are not let in");
  if (!wrong.empty()) throw Failure(name() + ": the load does not start: " + wrong);
}

void Node::begin_load(History& history, os::sim::Rng rng, Load load, std::size_t volumes) { begin_load_named(history, rng, load, numbered(volumes)); }
void Node::begin_load_on(const std::string& group, History& history, os::sim::Rng rng, Load load) { begin_load_named(history, rng, load, volumes_of(group)); }

void Node::end_load() {
  if (initiators_.empty()) return;
  run(stop_initiators());
  initiators_.clear();
}

void Node::retire_if_closed() {
  for (auto& initiator : initiators_) initiator->retire_if_closed();
}

std::uint64_t Node::refused() const {
  std::uint64_t sum = 0;
  for (const auto& initiator : initiators_) sum += initiator->refused();
  return sum;
}

Duration Node::longest_wait() {
  Duration longest{0};
  for (auto& initiator : initiators_) longest = std::max(longest, initiator->longest_wait());
  return longest;
}

namespace {

rt::Task<Result<Found>> look_all(rt::Task<Result<std::vector<pool::VolumeRef>>> opening, std::uint64_t blocks) {
  CO_TRY(auto volumes, co_await opening);
  co_return co_await look(std::move(volumes), blocks);
}

rt::Task<Result<std::vector<pool::VolumeRef>>> open_snapshot(pool::Pool& pool, SnapshotId id, std::size_t volumes) {
  std::vector<pool::VolumeRef> opened;
  for (std::size_t v = 0; v < volumes; ++v) {
    CO_TRY(auto volume, pool.open_snapshot(id, v));
    opened.push_back(std::move(volume));
  }
  co_return opened;
}

// The group as it is at one instant, whatever goes on.
rt::Task<Result<Found>> look_through_snapshot(pool::Pool& pool, std::string group, std::size_t volumes, std::uint64_t blocks) {
  GroupId id;
  SnapshotId stand_in;
  for (const auto& [key, row] : pool.catalog().groups) {
    if (row.name == group) id = key;
    if (row.name == group && row.resync) stand_in = row.resync->stand_in;
  }
  if (!stand_in.is_none()) co_return co_await look_all(open_snapshot(pool, stand_in, volumes), blocks);   // its volumes are between two states
  CO_TRY(SnapshotId snapshot, co_await pool.snapshot(id, "looked-at", "the simulator looks"));
  Result<Found> found = co_await look_all(open_snapshot(pool, snapshot, volumes), blocks);
  CO_TRY_VOID(co_await pool.delete_snapshot(snapshot));
  co_return found;
}

}  // namespace

Found Node::look_at_once(const std::string& group, std::size_t volumes, std::uint64_t blocks) {
  auto end = world_.start(pool().loop(), look_through_snapshot(pool(), group, volumes, blocks));
  if (!world_.run_until([&] { return end->has_value(); }, std::chrono::minutes(5))) throw Failure(name() + ": looking at the group does not end");
  if (!**end && (**end).error().code == Code::read_only) return look(volumes, blocks);   // damaged: nothing changes any more
  if (!**end) throw Failure(name() + ": looking at the group: " + (**end).error().message);
  return std::move(***end);
}

Found Node::look(std::size_t volumes, std::uint64_t blocks) { return look_named(numbered(volumes), blocks); }
Found Node::look_group(const std::string& group, std::uint64_t blocks) { return look_named(volumes_of(group), blocks); }

Result<Found> Node::try_look(std::size_t volumes, std::uint64_t blocks) { return try_look_named(numbered(volumes), blocks); }

Result<Found> Node::try_look_named(std::vector<std::string> names, std::uint64_t blocks) {
  auto end = world_.start(pool().loop(), look_all(open_volumes(std::move(names)), blocks));
  if (!world_.run_until([&] { return end->has_value(); }, std::chrono::minutes(5))) throw Failure(name() + ": reading the volumes does not end");
  return std::move(**end);
}

Found Node::look_named(std::vector<std::string> names, std::uint64_t blocks) {
  Result<Found> found = try_look_named(std::move(names), blocks);
  if (!found) throw Failure(name() + ": reading the volumes: " + found.error().message);
  return *std::move(found);
}

Found Node::look_at_snapshot(SnapshotId snapshot, std::size_t volumes, std::uint64_t blocks) {
  auto end = world_.start(pool().loop(), look_all(open_snapshot(pool(), snapshot, volumes), blocks));
  if (!world_.run_until([&] { return end->has_value(); }, std::chrono::minutes(5))) throw Failure(name() + ": reading a snapshot does not end");
  if (!**end) throw Failure(name() + ": reading a snapshot: " + (**end).error().message);
  return std::move(***end);
}

void Node::finish(manage::Outcome outcome, const std::string& what) {
  if (!outcome.job) return;
  for (int turn = 0; turn < 60; ++turn) {
    manage::Job job = must<manage::Job>(what, system_->wait_job(*outcome.job, std::chrono::seconds(10)));
    if (job.state == manage::JobState::completed) return;
    if (job.state == manage::JobState::exception || job.state == manage::JobState::terminated)
      throw Failure(name() + ": " + what + ": " + (job.error ? job.error->message : std::string("the job was ended")));
  }
  throw Failure(name() + ": " + what + " does not end");
}

rt::Task<std::optional<std::string>> Node::whole(rt::Task<manage::Answer<manage::Outcome>> call) {
  manage::Answer<manage::Outcome> outcome = co_await call;
  if (!outcome) co_return outcome.error().message;
  if (!outcome->job) co_return std::nullopt;
  for (int turn = 0; turn < 60 && host_.alive(); ++turn) {
    manage::Answer<manage::Job> job = co_await system_->wait_job(*outcome->job, std::chrono::seconds(10));
    if (!job) co_return job.error().message;
    if (job->state == manage::JobState::completed) co_return std::nullopt;
    if (manage::ended(job->state)) co_return job->error ? job->error->message : std::string("the job was ended");
  }
  co_return std::string(host_.alive() ? "it does not end" : "the system died");
}

Node::Going Node::begin(rt::Task<manage::Answer<manage::Outcome>> call) {
  std::erase_if(going_, [](const Going& going) { return going->has_value(); });
  going_.push_back(world_.start(host_.loop(), whole(std::move(call))));
  return going_.back();
}

Node::Going Node::begin_operation(const std::string& relationship, replica::Operation operation) {
  return begin(system_->set_relationship(root, relationship, static_cast<std::uint16_t>(operation)));
}

std::optional<std::string> Node::await(const Going& going, const std::string& what) {
  if (!world_.run_until([&] { return going->has_value() || spun(); }, std::chrono::minutes(20)) || !going->has_value()) throw Failure(name() + ": " + what + " does not end");
  return **going;
}

void Node::cancel_jobs() {
  for (const manage::Job& job : system_->jobs()) {
    if (manage::ended(job.state)) continue;
    auto cancelled = run(system_->cancel_job(root, job.id));
    static_cast<void>(cancelled);   // it may just have ended
  }
}

std::vector<std::string> Node::volumes_of(const std::string& group) {
  for (const manage::GroupInfo& info : run(system_->groups()))
    if (info.row.name == group) return info.volumes;
  throw Failure(name() + " has no group " + group);
}

bool Node::has_group(const std::string& group) {
  for (const manage::GroupInfo& info : run(system_->groups()))
    if (info.row.name == group) return true;
  return false;
}

std::vector<manage::SnapshotInfo> Node::kept_snapshots() {
  std::vector<manage::SnapshotInfo> out;
  for (manage::SnapshotInfo& info : run(system_->snapshots()))
    if (!info.row.internal && !info.row.hidden) out.push_back(std::move(info));
  return out;
}

void Node::operate(const std::string& relationship, replica::Operation operation) {
  std::string what = std::string(replica::name_of(operation)) + " " + relationship;
  finish(must<manage::Outcome>(what, system_->set_relationship(root, relationship, static_cast<std::uint16_t>(operation))), what);
}

std::optional<std::string> Node::try_operate(const std::string& relationship, replica::Operation operation) {
  try {
    operate(relationship, operation);
    return std::nullopt;
  } catch (const Failure& failure) {
    return failure.what();
  }
}

std::optional<replica::Report> Node::report(const std::string& relationship) {
  for (replica::Report& report : system_->relationships())
    if (report.relationship.name == relationship) return std::move(report);
  return std::nullopt;
}

void Node::wait_state(const std::string& relationship, replica::CopyState state, Duration at_most) {
  auto there = [&] {
    auto now = report(relationship);
    return now && now->copy_state == state;
  };
  Instant end = world_.now() + at_most;
  while (!there()) {
    if (world_.now() > end) {
      auto now = report(relationship);
      throw Failure(name() + ": " + relationship + " is not " + std::string(replica::name_of(state)) + " within " + std::to_string(at_most.count() / 1'000'000'000) + " s: " +
                    (now ? std::string(replica::name_of(now->copy_state)) + ", " + now->cause : "gone"));
    }
    world_.run_for(std::chrono::milliseconds(20));
  }
}

}  // namespace lockstep::sim
