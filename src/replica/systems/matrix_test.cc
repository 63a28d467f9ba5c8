// Every operation in every CopyState that a relationship of each type can rest in: what is answered, where it leads, what
// hosts may do afterwards, and which times are noted. What must happen is read from the tables that are published.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/stage_testing.h"
#include "replica/systems/times_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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

// On the way, the report says what is asked for and what is being done about it.
Result<> watched(Stage& s, Operation operation, const Cell& cell) {
  std::optional<Result<>> done;
  bool seen = false;
  Patient watcher;
  rt::Scope scope(s.a.host.loop());
  s.a.run(run_in(scope, run_operation(*s.a.engine, s.id, operation, watcher, done)));
  s.world.run_until(
      [&] {
        for (const Report& now : s.a.engine->reports()) {
          if (now.relationship.id != s.id || done) continue;
          seen = seen || (now.progress == progress_during(operation) && now.requested == cell.to);
        }
        return done.has_value();
      },
      std::chrono::minutes(30));
  s.a.run(scope.join());
  EXPECT_TRUE(seen) << "RequestedCopyState and ProgressStatus on the way";
  return done.value_or(Result<>(fail(Code::timeout, "it has not ended")));
}

void check_gone(Stage& s, Operation operation) {
  EXPECT_FALSE(s.a.run(s.a.engine->report(s.id)).has_value());
  bool returned = operation == Operation::return_to_resource_pool;
  if (s.place.state == CopyState::broken && !returned) return;  // the other system learns of it when it next asks
  EXPECT_TRUE(s.world.run_until([&] { return s.holder().registry.relationships_.empty(); }, std::chrono::seconds(30)));
  const store::GroupRow* row = s.holder().group("copy");
  EXPECT_EQ(row == nullptr, returned);
  if (row != nullptr) {
    EXPECT_EQ(row->role, store::Role::source);
    for (const std::string& volume : Stage::members(s.holder(), "copy")) s.expect_access(s.holder(), volume, Access::read_write, s.place.state);
  }
  for (const std::string& volume : Stage::members(s.a, "db")) s.expect_access(s.a, volume, Access::read_write, s.place.state);
  EXPECT_EQ(s.a.internal_snapshots(), 0U);
}

class Matrix : public ::testing::TestWithParam<Place> {};

// What does nothing: refused, or so already, or a change of settings. CopyState stays; but for settings, times do.
TEST_P(Matrix, WhatIsRefusedChangesNothingAndSaysWhatToDo) {
  Stage s(GetParam(), 2);
  for (int o = 2; o <= 25 && !HasFatalFailure(); ++o) {
    auto operation = static_cast<Operation>(o);
    Cell cell = replica::cell(s.place.type, operation, s.place.state);
    if (acts(cell)) continue;
    SCOPED_TRACE(s.story(operation));
    Relationship before = s.a.report(s.id).relationship;
    Result<> done = s.a.operate(s.id, operation);
    bool pairs = operation == Operation::add_sync_pair || operation == Operation::remove_sync_pair;
    if (cell.kind == Cell::Kind::not_offered || cell.kind == Cell::Kind::refused) {
      Code code = cell.kind == Cell::Kind::refused ? Code::busy : Code::unsupported;
      expect_refusal(done, code, s.place.type, s.place.state, operation);
    } else if (pairs) {
      ASSERT_FALSE(done.has_value());
      EXPECT_EQ(done.error().code, Code::invalid);
      EXPECT_EQ(done.error().message, "relationship 'r': " + std::string(name_of(operation)) + " names no pair; name the volume of each");
    } else {
      EXPECT_TRUE(done.has_value()) << done.error().message;
    }
    Report after = s.a.report(s.id);
    EXPECT_EQ(after.copy_state, s.place.state);
    expect_times(Noted{}, before, after.relationship);
  }
}

// The target never held a state of its source: nothing was opened, nor is anything else as it was not.
void check_unopened(Stage& s, const Report& before, const Error& why) {
  EXPECT_EQ(why.code, Code::busy) << why.message;
  EXPECT_THAT(why.message, StartsWith("relationship 'r'"));
  EXPECT_THAT(why.message, HasSubstr("never Synchronized"));
  EXPECT_THAT(why.message, HasSubstr("; let its first copy end, or Detach it"));
  EXPECT_FALSE(s.holder().group("copy")->was_synchronized);
  bool broken = s.place.state == CopyState::broken;   // and healed before
  EXPECT_TRUE(s.a.reaches(s.id, broken ? CopyState::unsynchronized : s.place.state));
  expect_times(Noted{}, before.relationship, s.a.report(s.id).relationship);
  s.expect_access(broken ? CopyState::unsynchronized : s.place.state);
}

void check(Stage& s, Operation operation) {
  SCOPED_TRACE(s.story(operation));
  Cell cell = replica::cell(s.place.type, operation, s.place.state);
  Report before = s.a.report(s.id);
  ASSERT_EQ(before.copy_state, s.place.state);
  Relationship there;   // as the other system knows it
  if (!s.place.near) there = s.b.report(s.id).relationship;
  if (s.place.state == CopyState::broken) s.heal();
  Result<> done = watched(s, operation, cell);
  bool opens = cell.to == CopyState::fractured || cell.to == CopyState::split || cell.to == CopyState::failedover ||
               operation == Operation::restore_from_replica;
  if (opens && !s.whole && !done) return check_unopened(s, before, done.error());
  ASSERT_TRUE(done.has_value()) << done.error().message;
  bool leaves = (s.place.type == SyncType::clone || s.place.type == SyncType::tokenized_clone) && cell.to == CopyState::synchronized;
  if (cell.kind == Cell::Kind::gone || leaves) return check_gone(s, operation);
  Report after = s.a.report(s.id);
  EXPECT_EQ(after.copy_state, cell.to);
  if (opens) {
    EXPECT_TRUE(s.holder().group("copy")->was_synchronized) << "a target that never held a state was opened";
  }
  EXPECT_EQ(after.requested, CopyState::not_applicable);
  EXPECT_NE(after.progress, Progress::mixed);
  if (!s.place.near) {
    EXPECT_TRUE(s.b.reaches(s.id, cell.to));
  }
  EXPECT_EQ(after.relationship.end, cell.reversed ? End::target : End::source);
  Noted noted = noted_by(s.place.type, operation, s.place.state);
  bool healed = s.place.state == CopyState::broken;
  expect_times(noted, before.relationship, after.relationship, {healed, false});
  bool each_notes = s.place.type == SyncType::mirror;   // of a point in time, the source's end does
  if (each_notes) expect_times(noted, there, s.b.report(s.id).relationship, {healed, true});
  if (is_point(s.place.type) && cell.to == CopyState::synchronized) {
    EXPECT_GE(after.relationship.when_synchronized.us, after.relationship.when_activated.us);
  }
  s.expect_access(cell.to, cell.reversed);
}

TEST_P(Matrix, EveryOperationEndsAsTheTableSays) {
  Place place = GetParam();
  for (int o = 2; o <= 25 && !HasFatalFailure(); ++o) {
    auto operation = static_cast<Operation>(o);
    if (!acts(replica::cell(place.type, operation, place.state))) continue;
    Stage stage(place, 2);
    check(stage, operation);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Matrix, ::testing::ValuesIn(places()),
                         [](const ::testing::TestParamInfo<Place>& place) { return name_of(place.param); });

}  // namespace
}  // namespace lockstep::replica
