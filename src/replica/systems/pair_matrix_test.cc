// One pair of a relationship that has two, of every type, in every CopyState that it can rest in: every operation is asked of the pair
// alone. What the tables say of a pair is what happens to one; what is refused or is so already changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/pairs_testing.h"
#include "replica/systems/stage_testing.h"
#include "replica/systems/times_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::SizeIs;

using Answered = Result<std::vector<std::string>>;

Answered operate_second(Stage& s, Operation operation) { return operate_pair(s.a, s.id, operation, Stage::source_volume(1)); }

// Asked of the group, about pairs.
bool about_pairs(Operation operation) { return operation == Operation::add_sync_pair || operation == Operation::remove_sync_pair; }

Cell cell_of(const Place& place, Operation operation) {
  return about_pairs(operation) ? cell(place.type, operation, place.state) : pair_cell(place.type, operation, place.state);
}

// The pair goes: on its own, or into a relationship of its own.
bool goes(const Cell& cell, Operation operation) {
  return cell.kind == Cell::Kind::gone || (operation == Operation::remove_sync_pair && cell.kind == Cell::Kind::configures);
}

void expect_pairs(Stage& s, std::size_t count) {
  EXPECT_EQ(s.a.report(s.id).relationship.pairs.size(), count);
  EXPECT_EQ(s.a.group("db")->members.size(), count);
  EXPECT_EQ(s.holder().group("copy")->members.size(), count);
}

class PairMatrix : public ::testing::TestWithParam<Place> {};

TEST_P(PairMatrix, WhatDoesNothingChangesNothingAndARefusalSaysWhatToDo) {
  Stage s(GetParam(), 2);
  for (int o = 2; o <= 25 && !HasFatalFailure(); ++o) {
    auto operation = static_cast<Operation>(o);
    Cell cell = cell_of(s.place, operation);
    if (goes(cell, operation)) continue;
    SCOPED_TRACE(s.story(operation) + ", one pair");
    Relationship before = s.a.report(s.id).relationship;
    Answered answered = operate_second(s, operation);
    Result<> done;
    if (!answered) done = fail(answered.error());
    bool there = operation == Operation::add_sync_pair && s.place.type == SyncType::mirror;
    if (there && s.place.state == CopyState::broken) {
      EXPECT_TRUE(!done && done.error().code == Code::unreachable) << "what may have broken off needs both ends";
    } else if (there && s.place.state == CopyState::unsynchronized) {
      EXPECT_TRUE(done.has_value()) << "it is there, and data flow: " << done.error().message;
    } else if (cell.kind == Cell::Kind::not_offered || cell.kind == Cell::Kind::refused) {
      expect_refusal(done, cell.kind == Cell::Kind::refused ? Code::busy : Code::unsupported, s.place.type, s.place.state, operation);
    } else {
      EXPECT_TRUE(cell.kind == Cell::Kind::no_op || operation == Operation::add_sync_pair) << "a pair does something alone";
      EXPECT_TRUE(done.has_value()) << done.error().message;
    }
    Report after = s.a.report(s.id);
    EXPECT_EQ(after.copy_state, s.place.state);
    EXPECT_EQ(after.requested, s.place.state == CopyState::unsynchronized ? CopyState::synchronized : CopyState::not_applicable);
    expect_times(Noted{}, before, after.relationship);
    expect_pairs(s, 2);
  }
  s.expect_access(s.place.state);
}

// A pair that was detached: its volumes are on their own, and the others go on as they were.
void check_detached(Stage& s, const std::string& target_volume) {
  s.expect_access(s.a, Stage::source_volume(1), Access::read_write, s.place.state);
  s.expect_access(s.holder(), target_volume, Access::read_write, s.place.state);
  EXPECT_EQ(s.a.engine->reports().size(), 1U);
}

// It goes on in a relationship of its own.
void check_parted(Stage& s, const Answered& answered, const std::string& target_volume) {
  ASSERT_THAT(*answered, ElementsAre("r-" + Stage::source_volume(1)));
  RelationshipId own;
  for (const Report& report : s.a.engine->reports())
    if (report.relationship.name == answered->front()) own = report.relationship.id;
  ASSERT_TRUE(s.a.reaches(own, CopyState::synchronized)) << s.a.report(own).cause;
  s.a.write(Stage::source_volume(1), 4711, Bytes{0});
  EXPECT_TRUE(s.world.run_until([&] { return s.b.tag(target_volume, Bytes{0}) == 4711; }, std::chrono::seconds(60)));
  s.expect_access(s.a, Stage::source_volume(1), Access::read_write, CopyState::synchronized);
  s.expect_access(s.holder(), target_volume, Access::read, CopyState::synchronized);
}

// The first copy has not ended: no pair leaves.
void check_stayed(Stage& s, const Report& before, const Answered& answered) {
  EXPECT_EQ(answered.error().code, Code::busy);
  EXPECT_EQ(answered.error().message,
            "relationship 'r': a copy to its target has not ended, so its pairs stay together; let it end, or Abort it where the target was Synchronized before");
  expect_pairs(s, 2);
  bool broken = s.place.state == CopyState::broken;   // and healed before
  EXPECT_TRUE(s.a.reaches(s.id, broken ? CopyState::unsynchronized : s.place.state)) << s.a.report(s.id).cause;
  expect_times(Noted{}, before.relationship, s.a.report(s.id).relationship);
  s.expect_access(broken ? CopyState::unsynchronized : s.place.state);
}

void check(Stage& s, Operation operation) {
  SCOPED_TRACE(s.story(operation) + ", one pair");
  Report before = s.a.report(s.id);
  ASSERT_EQ(before.copy_state, s.place.state);
  std::string target_volume = s.target_volume(1);
  bool broken = s.place.state == CopyState::broken;
  if (broken) s.heal();   // both ends are asked
  Answered answered = operate_second(s, operation);
  if (s.place.first && !answered) return check_stayed(s, before, answered);
  if (s.place.first) {   // healed, it came to its end before
    EXPECT_TRUE(broken && s.holder().group("copy")->was_synchronized) << "a pair left while it was copied";
  }
  ASSERT_TRUE(answered.has_value()) << answered.error().message;
  expect_pairs(s, 1);
  CopyState rests = broken ? CopyState::synchronized : s.place.state;
  ASSERT_TRUE(s.a.reaches(s.id, rests)) << s.a.report(s.id).cause;
  ASSERT_TRUE(s.b.reaches(s.id, rests)) << s.b.report(s.id).cause;
  Relationship after = s.a.report(s.id).relationship;
  Noted noted;
  noted.synchronized = rests == CopyState::synchronized;   // by both ends, of the pairs that are left
  expect_times(noted, before.relationship, after);
  s.expect_access(rests);
  if (operation == Operation::remove_sync_pair) return check_parted(s, answered, target_volume);
  EXPECT_THAT(*answered, SizeIs(0));
  check_detached(s, target_volume);
}

TEST_P(PairMatrix, APairThatGoesLeavesTheOthersAsTheyWere) {
  Place place = GetParam();
  for (int o = 2; o <= 25 && !HasFatalFailure(); ++o) {
    auto operation = static_cast<Operation>(o);
    if (!goes(cell_of(place, operation), operation)) continue;
    Stage stage(place, 2);
    check(stage, operation);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PairMatrix, ::testing::ValuesIn(places()),
                         [](const ::testing::TestParamInfo<Place>& place) { return name_of(place.param); });

}  // namespace
}  // namespace lockstep::replica
