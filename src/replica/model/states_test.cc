#include "replica/model/states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::replica {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string row(Operation operation) {
  std::string out;
  for (int s = 2; s <= 13; ++s)
    out += (s == 2 ? "" : " | ") + text_of(cell(SyncType::mirror, operation, static_cast<CopyState>(s)));
  return out;
}

TEST(States, RowsReadAsTheyArePublished) {
  EXPECT_EQ(row(Operation::failover), "x | F 10 | 10 | 10 | 10 | 10 | F 10 | 10 | = | x | x | F 10");
  EXPECT_EQ(row(Operation::detach),
            "gone | F gone | gone | F gone | gone | gone | gone | gone | gone | gone | gone | gone");
  EXPECT_EQ(row(Operation::reverse_roles), "x | x | 4r | x | 6r | 7r | x | 9r | 9r | x | x | x");
  EXPECT_EQ(row(Operation::restore_from_replica), "x | x | x | x | 3>4 | 3>4 | x | F 3>4 | x | x | x | 3>4");
  EXPECT_EQ(row(Operation::suspend), "x | 9 | 9 | x | x | x | x | = | x | x | x | x");
  EXPECT_EQ(row(Operation::prepare), row(Operation::unprepare));
}

TEST(States, EveryCellHasOneAnswer) {
  for (int o = 2; o <= 25; ++o) {
    for (int s = 2; s <= 13; ++s) {
      auto operation = static_cast<Operation>(o);
      auto state = static_cast<CopyState>(s);
      Cell found = cell(SyncType::mirror, operation, state);
      Result<Cell> forced = check(SyncType::mirror, operation, state, true);
      Result<Cell> gentle = check(SyncType::mirror, operation, state, false);
      if (found.kind == Cell::Kind::not_offered) {
        EXPECT_EQ(forced.error().code, Code::unsupported);
      } else if (found.kind == Cell::Kind::refused) {
        EXPECT_EQ(forced.error().code, Code::busy);
      } else {
        EXPECT_TRUE(forced.has_value());
        EXPECT_EQ(gentle.has_value(), !found.force);
      }
    }
  }
}

TEST(States, RefusalNamesThePresentStateAndTheLegalOnes) {
  auto refused = check(SyncType::mirror, Operation::resume, CopyState::failedover, true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("Resume is refused while the CopyState is Failedover (10)"));
  EXPECT_THAT(refused.error().message, HasSubstr("legal in Suspended (9)"));
}

TEST(States, ForceIsNamedWhereItWouldHelp) {
  auto refused = check(SyncType::mirror, Operation::failover, CopyState::unsynchronized, false);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("needs force"));
  EXPECT_TRUE(check(SyncType::mirror, Operation::failover, CopyState::unsynchronized, true).has_value());
}

TEST(States, NumbersOutsideTheTableAreNotOffered) {
  EXPECT_EQ(check(SyncType::mirror, static_cast<Operation>(26), CopyState::synchronized, true).error().code,
            Code::unsupported);
  EXPECT_EQ(check(SyncType::mirror, static_cast<Operation>(0), CopyState::synchronized, true).error().code,
            Code::unsupported);
  EXPECT_EQ(check(SyncType::mirror, Operation::detach, CopyState::mixed, true).error().code, Code::busy);
}

TEST(States, ReturnToResourcePoolIsNotAdvertisedForAMirror) {
  EXPECT_THAT(operations_of(SyncType::mirror), Not(testing::Contains(Operation::return_to_resource_pool)));
  EXPECT_EQ(operations_of(SyncType::mirror).size(), 23U);
}

}  // namespace
}  // namespace lockstep::replica
