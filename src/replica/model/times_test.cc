#include "replica/model/times.h"

#include <gtest/gtest.h>

namespace lockstep::replica {
namespace {

// Both tables speak of the same operations: what leads to a CopyState notes the time of it, and what does nothing notes nothing.
TEST(Times, AreNotedWhereTheTableOfStatesLeadsThere) {
  for (SyncType type : {SyncType::mirror, SyncType::snapshot, SyncType::clone, SyncType::tokenized_clone})
    for (int o = 2; o <= 25; ++o)
      for (int s = 2; s <= 13; ++s) {
        auto operation = static_cast<Operation>(o);
        auto state = static_cast<CopyState>(s);
        Cell found = cell(type, operation, state);
        Noted noted = noted_by(type, operation, state);
        bool moves = found.kind == Cell::Kind::leads || found.kind == Cell::Kind::copies;
        SCOPED_TRACE(std::string(name_of(operation)) + " of a " + std::string(name_of(type)) + " in " + std::string(name_of(state)));
        if (!moves) {
          EXPECT_EQ(noted, Noted{});
        }
        EXPECT_EQ(noted.suspended, moves && found.to == CopyState::suspended);
        EXPECT_EQ(noted.failed_over, moves && found.to == CopyState::failedover);
        bool copies = type == SyncType::mirror && moves && found.to == CopyState::synchronized;
        if (copies) {
          EXPECT_TRUE(noted.activated && noted.synchronized);
        }
        bool taken = type == SyncType::snapshot && moves && (operation == Operation::activate || operation == Operation::resync_replica);
        EXPECT_EQ(type == SyncType::snapshot && noted.activated, taken) << "a point in time was taken";
      }
}

TEST(Times, ReadAsTheyArePublished) {
  EXPECT_EQ(text_of(noted_by(SyncType::mirror, Operation::reverse_roles, CopyState::suspended)), "activated, synchronized, suspended");
  EXPECT_EQ(text_of(noted_by(SyncType::mirror, Operation::failover, CopyState::synchronized)), "failed over");
  EXPECT_EQ(text_of(noted_by(SyncType::mirror, Operation::abort, CopyState::unsynchronized)), "–");
  EXPECT_EQ(noted_by(SyncType::mirror, Operation::failover, CopyState::mixed), Noted{});
}

}  // namespace
}  // namespace lockstep::replica
