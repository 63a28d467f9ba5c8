// A restore that breaks off can be repeated, wherever it broke off.
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;

TEST(Restore, OfASuspendedMirrorBreaksOffInAStateThatLeadsOn) {
  for (std::uint64_t ms = 0; ms < 40; ms += 2) {
    Pair pair(8200 + ms);
    GroupId group = pair.a.make_group("db", 1, Bytes{32 * 4096});
    RelationshipId id = pair.create(group, Settings{});
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    must(pair.a.operate(id, Operation::suspend));
    pair.a.write("db-v1", 7, Bytes{0});
    Patient watcher;
    auto restoring = pair.world.start(pair.a.host.loop(), pair.a.engine->operate(id, Operation::restore_from_replica, watcher));
    pair.world.run_for(std::chrono::milliseconds(ms));
    pair.b.kill();
    pair.world.run_for(std::chrono::seconds(1));
    pair.b.start();
    ASSERT_TRUE(pair.world.run_until([&] { return restoring->has_value(); }, std::chrono::minutes(10))) << ms;
    for (int tries = 0; tries < 8; ++tries) {
      pair.world.run_for(std::chrono::seconds(8));
      Report a = pair.a.report(id), b = pair.b.report(id);
      TestSystem& source = a.relationship.end == End::source ? pair.a : pair.b;
      CopyState state = source.report(id).copy_state;
      if (state == CopyState::synchronized) break;
      if (state == CopyState::fractured) ignore(source.operate(id, Operation::restore_from_replica), "looked at again");
      if (state == CopyState::suspended) ignore(source.operate(id, Operation::resume), "looked at again");
      if (state == CopyState::failedover) ignore(source.operate(id, Operation::failback), "looked at again");
    }
    EXPECT_EQ(pair.a.report(id).copy_state, CopyState::synchronized) << "b died after " << ms << " ms: " << pair.a.report(id).cause;
    EXPECT_NE(pair.a.report(id).relationship.end, pair.b.report(id).relationship.end) << ms;
  }
}

}  // namespace
}  // namespace lockstep::replica
