// Every operation in every CopyState that a relationship of each type can rest in: what is answered, where it leads, what
// hosts may do afterwards, and which times are noted. What must happen is read from the tables that are published.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Place {
  SyncType type;
  bool near;  // both ends in one pool
  CopyState state;
};

constexpr std::uint64_t size = 512 << 10;
constexpr Bytes slow = Bytes{64 << 10};  // a second: a copy takes long enough to be caught in the middle

Options patient_options() {
  Options o = quick_options();
  o.batch = Bytes{32 << 10};
  return o;
}

rt::Task<void> run_in(rt::Scope& scope, rt::Task<void> task) {
  scope.spawn(std::move(task));
  co_return;
}
rt::Task<void> run_operation(Engine& engine, RelationshipId id, Operation operation, Patient& watcher, std::optional<Result<>>& done) {
  done = co_await engine.operate(id, operation, watcher);
}

// What ProgressStatus says while the operation runs.
Progress progress_during(Operation operation) {
  switch (operation) {
    case Operation::abort: return Progress::aborting;
    case Operation::deactivate: return Progress::dormant;
    case Operation::detach:
    case Operation::dissolve:
    case Operation::return_to_resource_pool: return Progress::detaching;
    case Operation::failover:
    case Operation::reverse_roles: return Progress::failing_over;
    case Operation::failback: return Progress::failing_back;
    case Operation::fracture: return Progress::fracturing;
    case Operation::split: return Progress::splitting;
    case Operation::suspend: return Progress::suspending;
    case Operation::resync_replica:
    case Operation::resume: return Progress::resyncing;
    case Operation::restore_from_replica: return Progress::restoring;
    case Operation::prepare:
    case Operation::unprepare: return Progress::preparing;
    default: return Progress::synchronizing;
  }
}

// A relationship that was brought to its place.
class Stage {
 public:
  explicit Stage(Place place)
      : place_(place),
        world_(test_seed(static_cast<std::uint64_t>(place.type) * 100 + static_cast<std::uint64_t>(place.state))),
        a_(world_, "a", {"p"}, pool::testing::small_options(), patient_options()),
        b_(world_, "b", {"p"}, pool::testing::small_options(), patient_options()) {
    std::string token = must(a_.engine->invite(std::chrono::minutes(5), {a_.listening}));
    must(b_.run(b_.engine->join(token, {b_.listening})));
    group_ = a_.make_group("db", 1, Bytes{size});
    fill(1);
    bool copying = place.type != SyncType::mirror && !place.near && place.state != CopyState::synchronized;
    create(copying && !after_completion());
    bring();
  }

  void check_refusals() {
    for (int o = 2; o <= 25; ++o) {
      auto operation = static_cast<Operation>(o);
      Cell cell = replica::cell(place_.type, operation, place_.state);
      bool acts = cell.kind == Cell::Kind::leads || cell.kind == Cell::Kind::copies || cell.kind == Cell::Kind::gone;
      if (acts) continue;
      SCOPED_TRACE(story(operation));
      Result<> done = a_.operate(id_, operation);
      switch (cell.kind) {
        case Cell::Kind::not_offered:
          EXPECT_TRUE(!done && done.error().code == Code::unsupported);
          break;
        case Cell::Kind::refused:
          ASSERT_FALSE(done.has_value());
          EXPECT_EQ(done.error().code, Code::busy);
          EXPECT_THAT(done.error().message, HasSubstr(std::string(name_of(operation)) + " is refused"));
          EXPECT_THAT(done.error().message, HasSubstr(std::string(name_of(place_.state))));
          break;
        default: {
          bool pairs = operation == Operation::add_sync_pair || operation == Operation::remove_sync_pair;
          EXPECT_TRUE(pairs || done.has_value()) << done.error().message;
          break;
        }
      }
      EXPECT_EQ(a_.report(id_).copy_state, place_.state);
    }
  }

  void check(Operation operation) {
    SCOPED_TRACE(story(operation));
    Cell cell = replica::cell(place_.type, operation, place_.state);
    Report before = a_.report(id_);
    ASSERT_EQ(before.copy_state, place_.state);
    if (place_.state == CopyState::broken) pair_heal();
    Result<> done = watched(operation, cell);
    bool opens = cell.to == CopyState::fractured || cell.to == CopyState::split || cell.to == CopyState::failedover;
    if (opens && !whole_) {
      EXPECT_TRUE(!done && done.error().code == Code::busy) << "a target that never held a state was opened";
      return;
    }
    ASSERT_TRUE(done.has_value()) << done.error().message;
    bool leaves = (place_.type == SyncType::clone || place_.type == SyncType::tokenized_clone) && cell.to == CopyState::synchronized;
    if (cell.kind == Cell::Kind::gone || leaves) {
      check_gone(operation);
      return;
    }
    Report after = a_.report(id_);
    EXPECT_EQ(after.copy_state, cell.to);
    EXPECT_EQ(after.requested, CopyState::not_applicable);
    EXPECT_NE(after.progress, Progress::mixed);
    if (!place_.near) {
      EXPECT_TRUE(b_.reaches(id_, cell.to));
    }
    EXPECT_EQ(after.relationship.end, cell.reversed ? End::target : End::source);
    check_times(operation, cell, before.relationship, after.relationship);
    if (cell.to == CopyState::synchronized) whole_ = true;
    if (!cell.reversed) check_access(cell.to);
  }

 private:
  // On the way, the report says what is asked for and what is being done about it.
  Result<> watched(Operation operation, const Cell& cell) {
    std::optional<Result<>> done;
    bool seen = false;
    Patient watcher;
    rt::Scope scope(a_.host.loop());
    a_.run(run_in(scope, run_operation(*a_.engine, id_, operation, watcher, done)));
    world_.run_until(
        [&] {
          for (const Report& now : a_.engine->reports()) {
            if (now.relationship.id != id_ || done) continue;
            seen = seen || (now.progress == progress_during(operation) && now.requested == cell.to);
          }
          return done.has_value();
        },
        std::chrono::minutes(30));
    a_.run(scope.join());
    EXPECT_TRUE(seen) << "RequestedCopyState and ProgressStatus on the way";
    return done.value_or(Result<>(fail(Code::timeout, "it has not ended")));
  }
  [[nodiscard]] bool after_completion() const {
    return place_.state == CopyState::synchronized || place_.state == CopyState::fractured || place_.state == CopyState::skewed ||
           (place_.type == SyncType::snapshot && (place_.state == CopyState::inactive || place_.state == CopyState::prepared));
  }
  std::string story(Operation operation) const {
    return std::string(name_of(operation)) + " of a " + std::string(name_of(place_.type)) + (place_.near ? " in one pool" : "") +
           " that is " + std::string(name_of(place_.state));
  }
  void fill(std::uint64_t tag) {
    for (std::uint64_t at = 0; at < size; at += 64 << 10) a_.write("db-v1", tag + at, Bytes{at}, 64 << 10);
  }
  void create(bool slowly) {
    CreateRequest request;
    request.name = "r";
    request.sync_type = place_.type;
    if (place_.type != SyncType::mirror) {
      request.settings.mode = Mode::synchronous;
      request.settings.rpo_seconds = 0;
    }
    if (slowly) request.settings.limit_per_second = slow;
    request.pool = a_.pool().id();
    request.group = group_;
    request.target_system = place_.near ? a_.self.id : b_.self.id;
    request.target_group = "copy";
    id_ = must(a_.run(a_.engine->create(request)));
  }
  void arrive(CopyState state) { ASSERT_TRUE(a_.reaches(id_, state)) << name_of(a_.report(id_).copy_state) << a_.report(id_).cause; }
  void go(Operation operation) { must(a_.operate(id_, operation)); }
  void pair_heal() { world_.network().heal(a_.host, b_.host); }
  void limit(Bytes rate) {
    Settings settings = a_.report(id_).relationship.settings;
    settings.limit_per_second = rate;
    must(a_.run(a_.engine->set(id_, settings)));
  }

  void bring() {
    if (place_.type == SyncType::mirror) return bring_mirror();
    if (place_.near || after_completion()) {
      arrive(CopyState::synchronized);
      whole_ = true;
    }
    switch (place_.state) {
      case CopyState::synchronized: break;
      case CopyState::unsynchronized: arrive(CopyState::unsynchronized); break;
      case CopyState::broken:
        arrive(CopyState::unsynchronized);
        world_.network().partition(a_.host, b_.host);
        arrive(CopyState::broken);
        break;
      case CopyState::fractured: go(Operation::fracture); break;
      case CopyState::inactive: go(Operation::deactivate); break;
      case CopyState::prepared: go(Operation::prepare); break;
      case CopyState::suspended:
        arrive(CopyState::unsynchronized);
        go(Operation::suspend);
        break;
      case CopyState::aborted:
        if (place_.near) go(Operation::prepare);
        go(Operation::abort);
        break;
      case CopyState::skewed: {
        write_target(77);
        TestSystem& holder = place_.near ? a_ : b_;
        ASSERT_TRUE(holder.reaches(id_, CopyState::skewed));
        break;
      }
      default: FAIL() << "nobody rests there";
    }
    limit(Bytes{0});
    if (place_.state == CopyState::unsynchronized) limit(slow);
  }
  void bring_mirror() {
    arrive(CopyState::synchronized);
    whole_ = true;
    switch (place_.state) {
      case CopyState::synchronized: break;
      case CopyState::unsynchronized:
      case CopyState::aborted:
        go(Operation::suspend);
        fill(7);
        limit(slow);
        resume_unwatched();
        arrive(CopyState::unsynchronized);
        if (place_.state == CopyState::aborted) {
          go(Operation::abort);
          limit(Bytes{0});
        }
        break;
      case CopyState::broken:
        world_.network().partition(a_.host, b_.host);
        arrive(CopyState::broken);
        break;
      case CopyState::fractured: go(Operation::fracture); break;
      case CopyState::split: go(Operation::split); break;
      case CopyState::inactive: go(Operation::deactivate); break;
      case CopyState::suspended: go(Operation::suspend); break;
      case CopyState::failedover: go(Operation::failover); break;
      case CopyState::prepared: go(Operation::prepare); break;
      default: FAIL() << "nobody rests there";
    }
  }
  void resume_unwatched() {
    Patient watcher;
    watcher.stop().request();
    Result<> begun = world_.run(a_.host.loop(), a_.engine->operate(id_, Operation::resume, watcher));
    EXPECT_TRUE(!begun && begun.error().code == Code::cancelled);
  }

  TestSystem& holder() { return place_.near ? a_ : b_; }
  std::string target_volume() {
    const store::GroupRow* row = holder().group("copy");
    CHECK(row != nullptr);
    return holder().pool().catalog().volumes.at(row->members.at(0)).name;
  }
  void write_target(std::uint64_t tag) { holder().write(target_volume(), tag, Bytes{4096}); }

  void check_access(CopyState state) {
    bool whole = holder().group("copy")->was_synchronized;  // a copy that went on while the operation began may have ended
    Access expected = target_access(place_.type, state, whole);
    bool writes = holder().try_write(target_volume(), 5, Bytes{0}).has_value();
    EXPECT_EQ(writes, expected == Access::read_write) << "hosts writing to the target in " << name_of(state);
    Buffer bytes(4096);
    pool::VolumeRef volume = holder().volume(target_volume());
    bool reads = !volume->closed().has_value();
    EXPECT_EQ(reads, expected != Access::none) << "hosts reading the target in " << name_of(state);
    bool serves = a_.try_write("db-v1", 6, Bytes{0}).has_value();
    EXPECT_EQ(serves, state != CopyState::failedover) << "hosts writing to the source in " << name_of(state);
  }
  void check_gone(Operation operation) {
    EXPECT_FALSE(a_.run(a_.engine->report(id_)).has_value());
    bool returned = operation == Operation::return_to_resource_pool;
    if (place_.state == CopyState::broken && !returned) return;  // the other system learns of it when it next asks
    EXPECT_TRUE(world_.run_until([&] { return holder().registry.relationships_.empty(); }, std::chrono::seconds(30)));
    const store::GroupRow* row = holder().group("copy");
    EXPECT_EQ(row == nullptr, returned);
    if (row != nullptr) {
      EXPECT_EQ(row->role, store::Role::source);
    }
    EXPECT_TRUE(a_.try_write("db-v1", 6, Bytes{0}).has_value());
    EXPECT_EQ(a_.internal_snapshots(), 0U);
  }
  static void check_times(Operation operation, const Cell& cell, const Relationship& before, const Relationship& after) {
    bool flows = operation == Operation::activate || operation == Operation::resume || operation == Operation::resync_replica;
    bool point = is_point(before.sync_type);
    if (flows && (!point || operation != Operation::resume)) {
      EXPECT_GT(after.when_activated.us, before.when_activated.us);
    }
    if (cell.to == CopyState::synchronized && !cell.reversed) {
      EXPECT_GE(after.when_synchronized.us, before.when_synchronized.us);
    }
    if (point && cell.to == CopyState::synchronized) {
      EXPECT_GE(after.when_synchronized.us, after.when_activated.us);
    }
    if (cell.to == CopyState::suspended && !cell.reversed) {
      EXPECT_GT(after.when_suspended.us, before.when_suspended.us);
    }
    if (cell.to == CopyState::failedover) {
      EXPECT_GT(after.when_failed_over.us, 0);
    }
    EXPECT_EQ(after.when_established.us, before.when_established.us);
  }

  Place place_;
  os::sim::World world_;
  TestSystem a_, b_;
  GroupId group_;
  RelationshipId id_;
  bool whole_ = false;
};

class Matrix : public ::testing::TestWithParam<Place> {};

TEST_P(Matrix, EveryOperationEndsAsTheTableSays) {
  Place place = GetParam();
  Stage(place).check_refusals();
  for (int o = 2; o <= 25 && !HasFatalFailure(); ++o) {
    auto operation = static_cast<Operation>(o);
    Cell cell = replica::cell(place.type, operation, place.state);
    bool acts = cell.kind == Cell::Kind::leads || cell.kind == Cell::Kind::copies || cell.kind == Cell::Kind::gone;
    if (acts) Stage(place).check(operation);
  }
}

// Suspended, written, and on its way back for a long time.
void resync_slowly(Pair& pair, RelationshipId id) {
  must(pair.a.operate(id, Operation::suspend));
  for (const char* volume : {"db-v1", "db-v2"})
    for (std::uint64_t at = 0; at < 1 << 20; at += 64 << 10) pair.a.write(volume, 7 + at, Bytes{at}, 64 << 10);
  Settings settings = pair.a.report(id).relationship.settings;
  settings.limit_per_second = slow;
  must(pair.a.run(pair.a.engine->set(id, settings)));
  Patient nobody;
  nobody.stop().request();
  Result<> begun = pair.world.run(pair.a.host.loop(), pair.a.engine->operate(id, Operation::resume, nobody));
  EXPECT_TRUE(!begun && begun.error().code == Code::cancelled);
}

// One pair of a mirror that has two, in every CopyState: what the page says of a pair is what happens to one.
class PairMatrix : public ::testing::TestWithParam<CopyState> {};

TEST_P(PairMatrix, APairDoesAloneWhatTheTableLetsIt) {
  CopyState state = GetParam();
  for (int o = 2; o <= 25 && !HasFatalFailure(); ++o) {
    auto operation = static_cast<Operation>(o);
    Cell cell = pair_cell(SyncType::mirror, operation, state);
    bool asked_of_the_group = operation == Operation::add_sync_pair || operation == Operation::remove_sync_pair;
    if (asked_of_the_group) continue;
    SCOPED_TRACE(std::string(name_of(operation)) + " of one pair that is " + std::string(name_of(state)));
    Pair pair{700 + static_cast<std::uint64_t>(state)};
    GroupId group = pair.a.make_group("db", 2, 1_MiB);
    RelationshipId id = pair.create(group);
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    auto way = [&]() -> std::optional<Operation> {
      switch (state) {
        case CopyState::fractured: return Operation::fracture;
        case CopyState::split: return Operation::split;
        case CopyState::inactive: return Operation::deactivate;
        case CopyState::suspended: return Operation::suspend;
        case CopyState::failedover: return Operation::failover;
        case CopyState::prepared: return Operation::prepare;
        default: return std::nullopt;
      }
    }();
    if (way) must(pair.a.operate(id, *way));
    if (state == CopyState::broken) {
      pair.cut();
    } else if (state == CopyState::unsynchronized || state == CopyState::aborted) {
      resync_slowly(pair, id);
    }
    if (state == CopyState::aborted) must(pair.a.operate(id, Operation::abort));
    ASSERT_TRUE(pair.a.reaches(id, state)) << pair.a.report(id).cause;
    if (state == CopyState::broken) pair.heal();   // both are asked
    VolumeUuid volume = pair.a.pool().catalog().volumes.at(*pair.a.pool().find_volume("db-v2")).uuid;
    std::vector<VolumeUuid> volumes{volume};
    Patient watcher;
    auto done = pair.world.run(pair.a.host.loop(), pair.a.engine->operate_pairs(id, operation, std::move(volumes), watcher), std::chrono::minutes(30));
    switch (cell.kind) {
      case Cell::Kind::not_offered:
        EXPECT_TRUE(!done && done.error().code == Code::unsupported);
        break;
      case Cell::Kind::refused:
        ASSERT_FALSE(done.has_value());
        EXPECT_EQ(done.error().code, Code::busy);
        break;
      default: EXPECT_TRUE(done.has_value()) << done.error().message; break;
    }
    std::size_t left = done && cell.kind == Cell::Kind::gone ? 1 : 2;
    EXPECT_EQ(pair.a.report(id).relationship.pairs.size(), left);
    EXPECT_EQ(pair.a.group("db")->members.size(), left);
    EXPECT_EQ(pair.b.group("db")->members.size(), left);
    ASSERT_TRUE(pair.a.reaches(id, state == CopyState::broken ? CopyState::synchronized : state)) << pair.a.report(id).cause;
  }
}

INSTANTIATE_TEST_SUITE_P(All, PairMatrix,
                         ::testing::Values(CopyState::synchronized, CopyState::fractured, CopyState::split, CopyState::inactive, CopyState::suspended,
                                           CopyState::failedover, CopyState::prepared, CopyState::unsynchronized, CopyState::broken, CopyState::aborted),
                         [](const ::testing::TestParamInfo<CopyState>& state) { return std::string(name_of(state.param)); });

std::vector<Place> places() {
  std::vector<Place> out;
  using enum CopyState;
  for (CopyState s : {unsynchronized, synchronized, broken, fractured, split, inactive, suspended, failedover, prepared, aborted})
    out.push_back({SyncType::mirror, false, s});
  for (CopyState s : {synchronized, fractured, inactive, prepared, aborted, skewed}) out.push_back({SyncType::snapshot, true, s});
  for (CopyState s : {unsynchronized, synchronized, broken, fractured, inactive, prepared, aborted}) out.push_back({SyncType::snapshot, false, s});
  for (CopyState s : {unsynchronized, broken, inactive, suspended, prepared, aborted}) out.push_back({SyncType::clone, false, s});
  for (CopyState s : {unsynchronized, broken, aborted}) out.push_back({SyncType::tokenized_clone, false, s});
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Matrix, ::testing::ValuesIn(places()), [](const ::testing::TestParamInfo<Place>& place) {
  return std::string(name_of(place.param.type)) + (place.param.near ? "InOnePool" : "") + std::string(name_of(place.param.state));
});

}  // namespace
}  // namespace lockstep::replica
