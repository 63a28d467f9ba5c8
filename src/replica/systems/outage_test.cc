// Outages that go on while they are being mended.
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;

TEST(Outage, ResyncThatOutlastsTheJournalBudgetThreeTimesStillCatchesUp) {
  Pair pair{70};
  GroupId group = pair.a.make_group("db", 2, 4_MiB);
  Settings settings;
  settings.journal_budget = 1_MiB;
  RelationshipId id = pair.create(group, settings);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  must(pair.a.run(pair.a.engine->set(id, [&] {
    settings.limit_per_second = 2_MiB;   // a pass of 4 MiB takes two seconds
    return settings;
  }())));
  pair.cut();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));

  std::uint64_t tag = 1000, blocks_written = 0;
  auto overwrite = [&](std::uint64_t blocks) {
    for (std::uint64_t i = 0; i < blocks; ++i) {
      pair.a.write(i % 2 ? "db-v1" : "db-v2", ++tag, Bytes{i / 2 * 4096});
    }
    blocks_written += blocks;
    must(pair.a.on_pool(pair.a.pool().checkpoint()));
  };
  overwrite(1024);
  Bytes sent = pair.a.report(id).sent_total;
  pair.heal();
  for (int time = 0; time < 3; ++time) {
    ASSERT_TRUE(pair.world.run_until([&] { return pair.b.group("db")->resync.has_value(); }, std::chrono::seconds(60))) << time;
    pair.world.run_for(std::chrono::milliseconds(300));
    ASSERT_NE(pair.a.report(id).copy_state, CopyState::synchronized) << time;
    overwrite(512);   // twice the budget, while blocks travel
  }
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  ASSERT_TRUE(pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; }, std::chrono::seconds(60)));
  for (const char* volume : {"db-v1", "db-v2"}) EXPECT_EQ(pair.a.content(volume), pair.b.content(volume)) << volume;
  EXPECT_LE((pair.a.report(id).sent_total - sent).value, blocks_written * 4096 * 105 / 100);
  EXPECT_EQ(pair.b.internal_snapshots(), 0U);
  EXPECT_EQ(pair.a.internal_snapshots(), 0U);
}

}  // namespace
}  // namespace lockstep::replica
