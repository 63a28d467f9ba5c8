// For tests of manage and of what translates it: a system on a simulated host, with real pools and an engine that does as it is told.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "manage/manage.h"
#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::manage::testing {

using os::sim::must;
using os::sim::test_seed;

// Relationships without data: states are what the test says.
class FakeEngine final : public replica::Engine {
 public:
  FakeEngine(rt::Loop& loop, replica::Self self, replica::Registry& registry, replica::Observer& observer, os::Random& random)
      : loop_(loop), self_(std::move(self)), registry_(registry), observer_(observer), random_(random), moved_(loop) {}

  // For the test.
  std::optional<Error> create_fails;
  std::optional<Error> operate_fails;
  bool operations_wait = false;                       // until set_state() brings what they lead to
  replica::CopyState new_state = replica::CopyState::synchronized;
  replica::Forecast next_forecast;
  std::vector<replica::PeerReport> known_peers;
  std::map<SystemId, std::vector<RemotePool>> remote_pools;
  std::vector<replica::Operation> operated;
  std::vector<std::pair<replica::Operation, std::vector<VolumeUuid>>> pairs_operated;
  std::vector<replica::CreateRequest> created;
  Result<replica::VerifyReport> next_verification = replica::VerifyReport{};
  bool verifications_wait = false;                    // for cancellation
  std::vector<replica::VerifyRequest> verifications;

  replica::Report& of(const std::string& name) {
    for (replica::Report& report : reports_)
      if (report.relationship.name == name) return report;
    CHECK(!"no such relationship");
    return reports_.front();
  }
  void set_state(const std::string& name, replica::CopyState state, std::string cause = {}) {
    replica::Report& report = of(name);
    replica::Change change{report.relationship.id, "CopyState", std::string(replica::name_of(report.copy_state)), std::string(replica::name_of(state)), std::move(cause)};
    report.copy_state = state;
    if (state == replica::CopyState::synchronized) report.relationship.when_synchronized = loop_.clock().wall();
    observer_.changed(change);
    moved_.wake_all();
  }
  void set_gone(const std::string& name) {
    std::erase_if(reports_, [&](const replica::Report& report) { return report.relationship.name == name; });
    moved_.wake_all();
  }
  void tell(replica::Change change) { observer_.changed(change); }

  rt::Task<Result<>> start() override {
    CO_TRY(std::vector<replica::Relationship> kept, co_await registry_.relationships());
    for (replica::Relationship& relationship : kept) {
      replica::Report report;
      report.copy_state = replica::CopyState::unsynchronized;
      report.relationship = std::move(relationship);
      reports_.push_back(std::move(report));
    }
    co_return Result<>{};
  }
  rt::Task<void> stop() override {
    stopping_ = true;
    moved_.wake_all();
    co_return;
  }
  rt::Task<Result<os::Address>> listen(os::Address address) override { co_return address; }
  rt::Task<Result<>> pool_opened(PoolId) override { co_return Result<>{}; }
  rt::Task<Result<>> pool_closing(PoolId) override { co_return Result<>{}; }
  Result<std::string> invite(Duration, std::vector<os::Address>) override { return std::string("token"); }
  rt::Task<Result<replica::Peer>> join(std::string token, std::vector<os::Address>) override {
    if (token != "token") co_return fail(Code::invalid, "that is no token");
    replica::Peer peer;
    peer.id = random_.id<SystemId>();
    peer.name = "b";
    replica::PeerReport report;
    report.peer = peer;
    report.reachable = true;
    known_peers.push_back(report);
    co_return peer;
  }
  std::vector<replica::PeerReport> peers() const override { return known_peers; }
  rt::Task<Result<>> remove_peer(SystemId id) override {
    std::erase_if(known_peers, [&](const replica::PeerReport& report) { return report.peer.id == id; });
    co_return Result<>{};
  }
  rt::Task<Result<std::vector<RemotePool>>> pools_of(SystemId peer) override {
    auto found = remote_pools.find(peer);
    if (found == remote_pools.end()) co_return fail(Code::unreachable, "nobody answers");
    co_return found->second;
  }
  rt::Task<Result<RelationshipId>> create(replica::CreateRequest request) override {
    created.push_back(request);
    if (create_fails) co_return fail(*create_fails);
    replica::Report report;
    replica::Relationship& r = report.relationship;
    r.id = random_.id<RelationshipId>();
    r.name = request.name.empty() ? "made-up" : request.name;
    r.sync_type = request.sync_type;
    r.settings = request.settings;
    r.peer = request.target_system;
    r.pool = request.pool;
    r.group = request.group;
    r.peer_pool = request.target_pool.empty() ? "p" : request.target_pool;
    r.peer_group = request.target_group.empty() ? "target" : request.target_group;
    r.created = loop_.clock().wall();
    report.copy_state = new_state;
    CO_TRY_VOID(co_await registry_.save(r));
    reports_.push_back(report);
    co_return reports_.back().relationship.id;
  }
  rt::Task<Result<>> keep(replica::Relationship relationship) { co_return co_await registry_.save(std::move(relationship)); }
  rt::Task<Result<replica::Forecast>> forecast_create(replica::CreateRequest) override { co_return next_forecast; }
  rt::Task<Result<>> await_state(RelationshipId id, std::vector<replica::CopyState> states, replica::Watcher& watcher) override {
    auto guard = watcher.stop().on_request([this] { moved_.wake_all(); });
    while (true) {
      const replica::Report* report = by_id(id);
      if (!report) co_return Result<>{};
      if (std::ranges::find(states, report->copy_state) != states.end()) co_return Result<>{};
      if (watcher.stop().requested() || stopping_) co_return fail(Code::cancelled, "asked to stop");
      watcher.progress(report->copied, report->to_copy);
      co_await moved_.wait();
    }
  }
  rt::Task<Result<replica::VerifyReport>> verify(RelationshipId id, replica::VerifyRequest request, replica::Watcher& watcher) override {
    verifications.push_back(request);
    watcher.progress(Bytes{50}, Bytes{100});
    auto guard = watcher.stop().on_request([this] { moved_.wake_all(); });
    while (verifications_wait && !watcher.stop().requested()) co_await moved_.wait();
    if (watcher.stop().requested()) co_return fail(Code::cancelled, "the verification was cancelled");
    if (!next_verification) co_return fail(next_verification.error());
    for (replica::Report& report : reports_)
      if (report.relationship.id == id) report.verified = std::make_shared<const replica::VerifyReport>(*next_verification);
    co_return next_verification;
  }
  rt::Task<Result<>> operate(RelationshipId id, replica::Operation operation, replica::Watcher& watcher) override {
    operated.push_back(operation);
    if (operate_fails) co_return fail(*operate_fails);
    const replica::Report* report = by_id(id);
    if (!report) co_return fail(Code::not_found, "the relationship is gone");
    std::string name = report->relationship.name;
    replica::Cell cell = replica::cell(report->relationship.sync_type, operation, report->copy_state);
    if (operations_wait) {
      std::vector<replica::CopyState> states{cell.to};
      co_return co_await await_state(id, std::move(states), watcher);
    }
    if (cell.kind == replica::Cell::Kind::gone) {
      CO_TRY_VOID(co_await registry_.remove_relationship(id));
      set_gone(name);
    } else if (cell.to != replica::CopyState::not_applicable) {
      set_state(name, cell.to);
    }
    co_return Result<>{};
  }
  rt::Task<Result<std::vector<std::string>>> operate_pairs(RelationshipId, replica::Operation operation, std::vector<VolumeUuid> volumes, replica::Watcher&) override {
    pairs_operated.emplace_back(operation, std::move(volumes));
    if (operate_fails) co_return fail(*operate_fails);
    co_return std::vector<std::string>{};
  }
  rt::Task<Result<replica::Forecast>> forecast(RelationshipId, replica::Operation) override { co_return next_forecast; }
  rt::Task<Result<>> set(RelationshipId id, replica::Settings settings) override {
    for (replica::Report& report : reports_)
      if (report.relationship.id == id) report.relationship.settings = settings;
    co_return Result<>{};
  }
  std::vector<replica::Report> reports() const override { return reports_; }
  rt::Task<Result<replica::Report>> report(RelationshipId id) override {
    const replica::Report* found = by_id(id);
    if (!found) co_return fail(Code::not_found, "the relationship is gone");
    co_return *found;
  }

 private:
  const replica::Report* by_id(RelationshipId id) const {
    for (const replica::Report& report : reports_)
      if (report.relationship.id == id) return &report;
    return nullptr;
  }
  rt::Loop& loop_;
  replica::Self self_;
  replica::Registry& registry_;
  replica::Observer& observer_;
  os::Random& random_;
  rt::Signal moved_;
  std::vector<replica::Report> reports_;
  bool stopping_ = false;
};

inline pool::Options small_pool() {
  pool::Options o;
  o.overlay = Bytes{1280 << 10};
  o.journal.segment_size = Bytes{512 << 10};
  o.journal.batch_max = Bytes{128 << 10};
  o.journal.slab = Bytes{128 << 10};
  o.journal.recent = Bytes{512 << 10};
  o.store.leaf_cache = 4_MiB;
  o.store.delta_budget = Bytes{64 << 10};
  o.store.grow_step = 4_MiB;
  o.store.keep_back = 2_MiB;
  o.store.metadata_reserve = 4_MiB;
  return o;
}

class TestSystem {
 public:
  explicit TestSystem(std::uint64_t salt = 0) : world(test_seed(salt)), host(world.add_host("a")) {
    options.name = "a";
    options.pool = small_pool();
    options.scrypt_log2_n = 4;   // the kind of hash matters here, not its cost
    options.make_engine = [this](os::Host& h, rt::Loop& loop, replica::Self self, replica::Pools&, replica::Registry& registry, replica::Observer& observer, replica::Options) {
      auto made = std::make_unique<FakeEngine>(loop, std::move(self), registry, observer, h.random());
      engine = made.get();
      return made;
    };
  }
  ~TestSystem() {
    if (system) stop();
  }

  Result<> try_start() {
    auto started = run(manage::start(host, host.loop(), "/data", options));
    if (!started) return fail(started.error());
    system = *std::move(started);
    return {};
  }
  TestSystem& start() {
    must(try_start());
    return *this;
  }
  void stop() {
    run(system->stop());
    system.reset();
  }
  void restart() {
    stop();
    host.restart();
    start();
  }
  template <class T>
  T run(rt::Task<T> task) { return world.run(host.loop(), std::move(task)); }
  void pass(Duration time) { world.run_for(time); }

  // Pool p with volumes data and log in group db.
  void make_objects() {
    ok(run(system->create_pool(admin(), "p", "")));
    ok(run(system->create_volume(admin(), "p/data", 8_MiB)));
    ok(run(system->create_volume(admin(), "p/log", 8_MiB)));
    std::vector<std::string> volumes{"p/data", "p/log"};
    ok(run(system->create_group(admin(), "db", volumes)));
  }
  template <class T>
  static T ok(Answer<T> answer) {
    if (!answer) std::fprintf(stderr, "refused: %s (%s)\n", answer.error().message.c_str(), answer.error().parameter.c_str());
    CHECK(answer.has_value());
    if constexpr (!std::is_void_v<T>) return *std::move(answer);
  }
  static Caller admin() { return Caller{"root", RoleName::administrator}; }
  static CreateReplica mirror(std::string name) {
    CreateReplica request;
    request.group = "db";
    request.sync_type = 6;
    request.relationship_name = std::move(name);
    return request;
  }
  std::vector<std::string> event_lines(std::uint64_t after = 0) {
    std::vector<std::string> out;
    for (const Event& event : system->events(after, 1000)) out.push_back(event.kind + " " + event.object_type + " " + event.object + (event.after.empty() ? "" : " " + event.after));
    return out;
  }

  os::sim::World world;
  os::sim::Host& host;
  Options options;
  FakeEngine* engine = nullptr;
  std::unique_ptr<System> system;
};

}  // namespace lockstep::manage::testing
