#include "manage/refusal.h"

#include <gmock/gmock.h>

#include "manage/advice.h"

namespace lockstep::manage {
namespace {

using ::testing::HasSubstr;
using replica::CopyState;
using replica::Operation;
using replica::SyncType;

TEST(Refusals, WhatToDoIsTakenOutOfTheMessage) {
  Refusal refusal = refusal_of(Error{Code::busy, "volume 'p/v' is in use; disconnect its clients first"}, "v");
  EXPECT_EQ(refusal.message, "volume 'p/v' is in use");
  EXPECT_EQ(refusal.next_step, "Disconnect its clients first.");
  EXPECT_EQ(refusal.code, ReturnCode::failed);
  EXPECT_EQ(refusal.parameter, "v");
}

TEST(Refusals, EveryCodeHasANextStep) {
  for (int code = 0; code <= static_cast<int>(Code::changed); ++code) {
    Refusal refusal = refusal_of(Error{static_cast<Code>(code), "something"}, "x");
    EXPECT_EQ(refusal.message, "something");
    EXPECT_GT(refusal.next_step.size(), 10u) << name_of(static_cast<Code>(code));
  }
  EXPECT_EQ(refusal_of(Error{Code::io, "odd; "}, "x").message, "odd; ");
  EXPECT_FALSE(bad_parameter("x", "wrong").error().next_step.empty());
  EXPECT_FALSE(wrong_state("x", "wrong").error().next_step.empty());
  EXPECT_EQ(no_such("relationship", "r").error().next_step, "`lockstep replica list` shows those there are.");
}

TEST(Advice, NamesTheWayToWhereTheOperationIsLegal) {
  auto next_step = [](Operation operation, SyncType type) { return refusal_of(replica::check(type, operation, CopyState::synchronized, true).error(), "m").next_step; };
  EXPECT_THAT(next_step(Operation::failback, SyncType::mirror), HasSubstr("First Failover, then Failback. Legal from Synchronized: "));
  EXPECT_THAT(next_step(Operation::split, SyncType::snapshot), HasSubstr("A Snapshot offers "));
  EXPECT_THAT(towards_synchronized(SyncType::mirror, CopyState::suspended, "m"), HasSubstr("Resume"));
  EXPECT_THAT(towards_synchronized(SyncType::mirror, CopyState::unsynchronized, "m"), HasSubstr("replica watch m"));
}

// Whatever is refused in whatever state: there is something to do.
TEST(Advice, IsNeverEmpty) {
  for (SyncType type : {SyncType::mirror, SyncType::snapshot, SyncType::clone, SyncType::tokenized_clone})
    for (int state = static_cast<int>(CopyState::initialized); state <= static_cast<int>(CopyState::skewed); ++state)
      for (int number = 2; number <= 25; ++number) {
        auto at = static_cast<CopyState>(state);
        auto operation = static_cast<Operation>(number);
        if (replica::check(type, operation, at, true)) continue;
        EXPECT_FALSE(replica::instead_of(operation, type, at).empty()) << name_of(type) << " " << name_of(operation) << " " << name_of(at);
        EXPECT_FALSE(towards_synchronized(type, at, "m").empty());
      }
}

}  // namespace
}  // namespace lockstep::manage
