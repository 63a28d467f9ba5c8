// Hosts that write more while a pass has its round trips and syncs than the journal may keep.
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;

constexpr std::uint64_t blocks = 64;   // of the volume: a pass sends next to nothing

rt::Task<void> write_on(rt::Loop& loop, pool::VolumeRef volume, rt::Stop& stop, std::uint64_t& written) {
  Buffer data = pool::testing::pattern(1, Bytes{0}, 8 * block_size);
  while (!stop.requested()) {
    Bytes at{written % (blocks / 8) * 8 * block_size};
    auto lsn = co_await volume->write(at, data);
    if (!lsn) break;
    ++written;
    bool slept = co_await rt::sleep_for(loop, std::chrono::milliseconds(1), stop);
    if (!slept) break;
  }
}

TEST(Outrun, PassesWhoseFixedCostsOutlastTheJournalBudgetCatchUpAllTheSame) {
  Pair pair{71};
  GroupId group = pair.a.make_group("db", 1, Bytes{blocks * block_size});
  Settings settings;
  settings.journal_budget = Bytes{128 << 10};   // written in a few milliseconds
  RelationshipId id = pair.create(group, settings);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.cut();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));

  rt::Stop stop;
  std::uint64_t written = 0;
  auto writer = pair.world.start(*pair.a.loops[0], write_on(*pair.a.loops[0], pair.a.volume("db-v1"), stop, written));
  pair.world.run_for(std::chrono::seconds(1));
  pair.heal();
  EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized, std::chrono::seconds(30))) << pair.a.report(id).cause;
  std::uint64_t before = written;
  pair.world.run_for(std::chrono::milliseconds(100));
  EXPECT_GT(written, before);   // nobody had to stand still
  stop.request();
  ASSERT_TRUE(pair.world.run_until([&] { return writer->has_value(); }, std::chrono::seconds(10)));
  ASSERT_TRUE(pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; }, std::chrono::seconds(10)));
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
}

}  // namespace
}  // namespace lockstep::replica
