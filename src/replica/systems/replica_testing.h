// For tests of whole systems: pools and engines on simulated hosts that can die, with patterns that tell
// whose bytes they are.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "os/sim/sim.h"
#include "os/sim/testing.h"
#include "pool/pool_testing.h"
#include "replica/replica.h"

namespace lockstep::replica::testing {

using os::sim::must;
using os::sim::test_seed;

// What survives every death of its system.
class MemoryRegistry final : public Registry {
 public:
  rt::Task<Result<std::vector<Peer>>> peers() override {
    std::vector<Peer> out;
    for (const auto& [id, peer] : peers_) out.push_back(peer);
    co_return out;
  }
  rt::Task<Result<>> save(Peer peer) override {
    peers_[peer.id] = peer;
    co_return Result<>{};
  }
  rt::Task<Result<>> remove_peer(SystemId peer) override {
    peers_.erase(peer);
    co_return Result<>{};
  }
  rt::Task<Result<std::vector<Relationship>>> relationships() override {
    std::vector<Relationship> out;
    for (const auto& [id, r] : relationships_) out.push_back(r);
    co_return out;
  }
  rt::Task<Result<>> save(Relationship relationship) override {
    relationships_[relationship.id] = relationship;
    co_return Result<>{};
  }
  rt::Task<Result<>> remove_relationship(RelationshipId id) override {
    relationships_.erase(id);
    co_return Result<>{};
  }
  std::map<SystemId, Peer> peers_;
  std::map<RelationshipId, Relationship> relationships_;
};

class Events final : public Observer {
 public:
  void changed(const Change& change) override { all.push_back(change); }
  [[nodiscard]] std::string states() const {  // "Initialized Unsynchronized ..."
    std::string out;
    for (const auto& c : all) {
      if (c.what == "CopyState") out += (out.empty() ? "" : " ") + c.after;
    }
    return out;
  }
  std::vector<Change> all;
};

class Patient final : public Watcher {
 public:
  void progress(Bytes d, Bytes t) override { done = d, total = t; }
  rt::Stop& stop() override { return stop_; }
  Bytes done, total;

 private:
  rt::Stop stop_;
};

inline Options quick_options() {
  Options o;
  o.batch = Bytes{64 << 10};
  o.in_flight = 1_MiB;
  return o;
}

// One system: a host with pools and an engine.
class TestSystem final : public Pools {
 public:
  TestSystem(os::sim::World& w, const std::string& name, std::vector<std::string> pool_names = {"p"},
             pool::Options pool_options = pool::testing::small_options(),
             Options engine_options = quick_options())
      : world(w),
        host(w.add_host(name)),
        names(std::move(pool_names)),
        pool_options_(std::move(pool_options)),
        engine_options_(engine_options) {
    self.id = host.random().id<SystemId>();
    self.name = name;
    auto made = rt::work(host.loop(), [this, name] { return host.tls().make_identity(name, {name}); });
    self.identity = must(run(await_work(std::move(made))));
    start(true);
  }
  ~TestSystem() override { stop_dead(); }

  void start(bool create = false) {
    loops.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
      loops.push_back(&host.start_loop("pool-" + names[i]));
      open_.push_back(must(world.run(
          *loops[i], pool::open_native(host, *loops[i], "/" + names[i], names[i], pool_options_, create))));
    }
    engine = make_engine(host, host.loop(), self, *this, registry, events, engine_options_);
    must(run(engine->start()));
    os::Address address;
    address.host = self.name;
    address.port = 7300;
    listening = must(run(engine->listen(address)));
  }
  void kill() {
    host.kill();
    stop_dead();
    host.restart();
  }
  void power_cut(os::sim::Tear tear = os::sim::Tear::any) {
    host.power_cut(tear);
    stop_dead();
    host.restart();
  }
  // In good order.
  void shut_down() {
    world.run(host.loop(), engine->stop());
    for (std::size_t i = 0; i < open_.size(); ++i) must(world.run(*loops[i], open_[i]->close()));
    engine.reset();
    open_.clear();
    host.kill();
    host.restart();
  }

  // Pools
  std::vector<pool::Pool*> pools() override {
    std::vector<pool::Pool*> out;
    for (auto& p : open_) out.push_back(p.get());
    return out;
  }
  pool::Pool* find(PoolId id) override {
    for (auto& p : open_) {
      if (p->id() == id) return p.get();
    }
    return nullptr;
  }
  pool::Pool* find(std::string_view name) override {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (names[i] == name) return open_[i].get();
    }
    return nullptr;
  }

  template <class T>
  T run(rt::Task<T> task) {
    return world.run(host.loop(), std::move(task));
  }
  template <class T>
  T on_pool(rt::Task<T> task, std::size_t i = 0) {
    return world.run(*loops[i], std::move(task));
  }
  [[nodiscard]] pool::Pool& pool(std::size_t i = 0) { return *open_[i]; }

  // A group of volumes "v1", "v2" ...
  GroupId make_group(const std::string& name, unsigned volumes, Bytes size, std::size_t i = 0) {
    std::vector<VolumeId> members;
    for (unsigned v = 1; v <= volumes; ++v) {
      members.push_back(must(on_pool(pool(i).create_volume(name + "-v" + std::to_string(v), size), i)));
    }
    return must(on_pool(pool(i).create_group(name, members), i));
  }
  pool::VolumeRef volume(const std::string& name, std::size_t i = 0) {
    auto id = pool(i).find_volume(name);
    CHECK(id.has_value());
    return must(pool(i).open_volume(*id));
  }
  [[nodiscard]] Result<Lsn> try_write(const std::string& name, std::uint64_t tag, Bytes at,
                                      std::uint64_t length = 4096, std::size_t i = 0) {
    return on_pool(pool::testing::TestPool::write_task(volume(name, i), tag, at, length), i);
  }
  Lsn write(const std::string& name, std::uint64_t tag, Bytes at, std::uint64_t length = 4096,
            std::size_t i = 0) {
    return must(try_write(name, tag, at, length, i));
  }
  std::uint64_t tag(const std::string& name, Bytes at, std::size_t i = 0) {
    return must(on_pool(pool::testing::TestPool::tags_task(volume(name, i), at, 512), i)).front();
  }
  Buffer content(const std::string& name, std::size_t i = 0) {
    pool::VolumeRef v = volume(name, i);
    Buffer bytes(v->size().value);
    must(on_pool(read_all_of(v, MutSpan(bytes)), i));
    return bytes;
  }
  [[nodiscard]] const store::GroupRow* group(const std::string& name, std::size_t i = 0) {
    for (const auto& [id, row] : pool(i).catalog().groups) {
      if (row.name == name) return &row;
    }
    return nullptr;
  }
  // Names of the snapshots that users see.
  std::vector<std::string> snapshots(std::size_t i = 0) {
    std::vector<std::string> out;
    for (const auto& [id, row] : pool(i).catalog().snapshots) {
      if (!row.internal && !row.hidden) out.push_back(row.name);
    }
    return out;
  }
  std::size_t internal_snapshots(std::size_t i = 0) {
    std::size_t n = 0;
    for (const auto& [id, row] : pool(i).catalog().snapshots) n += row.internal && !row.hidden ? 1 : 0;
    return n;
  }

  Report report(RelationshipId id) { return must(run(engine->report(id))); }
  [[nodiscard]] Result<> operate(RelationshipId id, Operation operation) {
    Patient watcher;
    return world.run(host.loop(), engine->operate(id, operation, watcher), std::chrono::minutes(30));
  }
  // False when the state is not reached in simulated time.
  bool reaches(RelationshipId id, CopyState state, Duration at_most = std::chrono::minutes(5)) {
    Instant end = world.now() + at_most;
    while (world.now() < end) {
      if (report(id).copy_state == state) return true;
      world.run_for(std::chrono::milliseconds(20));
    }
    return report(id).copy_state == state;
  }

  os::sim::World& world;
  os::sim::Host& host;
  std::vector<std::string> names;
  Self self;
  MemoryRegistry registry;
  Events events;
  std::vector<rt::Loop*> loops;
  std::unique_ptr<Engine> engine;
  os::Address listening;

 private:
  template <class W>
  static auto await_work(W work) -> rt::Task<decltype(work.await_resume())> {
    co_return co_await work;
  }
  static rt::Task<Result<>> read_all_of(pool::VolumeRef v, MutSpan into) {
    for (std::size_t at = 0; at < into.size(); at += 1 << 20) {
      MutSpan part = into.subspan(at, std::min<std::size_t>(1 << 20, into.size() - at));
      CO_TRY_VOID(co_await v->read(Bytes{at}, part));
    }
    co_return Result<>{};
  }
  static rt::Task<void> stop_all(Engine& engine, std::vector<std::unique_ptr<pool::Pool>>& pools) {
    co_await engine.stop();
    for (auto& pool : pools) ignore(co_await rt::run_on(pool->loop(), pool->close()), "the host is dead");
  }
  void stop_dead() {
    if (host.alive()) host.kill();
    if (engine) host.finish(stop_all(*engine, open_));
    engine.reset();
    open_.clear();
  }
  std::vector<std::unique_ptr<pool::Pool>> open_;
  pool::Options pool_options_;
  Options engine_options_;
};

// Two systems that know each other.
struct Pair {
  explicit Pair(std::uint64_t salt, pool::Options pool_options = pool::testing::small_options(),
                Options options = quick_options())
      : world(test_seed(salt)),
        a(world, "a", {"p"}, pool_options, options),
        b(world, "b", {"p"}, pool_options, options) {
    std::string token = must(a.engine->invite(std::chrono::minutes(5), {a.listening}));
    must(b.run(b.engine->join(token, {b.listening})));
  }
  RelationshipId create(GroupId group, Settings settings = {}) {
    CreateRequest request;
    request.settings = settings;
    request.pool = a.pool().id();
    request.group = group;
    request.target_system = b.self.id;
    return must(a.run(a.engine->create(request)));
  }
  void cut() { world.network().partition(a.host, b.host); }
  void heal() { world.network().heal(a.host, b.host); }
  os::sim::World world;
  TestSystem a, b;
};

inline Settings synchronous(LinkLoss policy = LinkLoss::go_on) {
  Settings s;
  s.mode = Mode::synchronous;
  s.rpo_seconds = 0;
  s.on_link_loss = policy;
  return s;
}

}  // namespace lockstep::replica::testing
