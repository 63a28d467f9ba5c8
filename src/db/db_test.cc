#include "db/db.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::db {
namespace {

using os::sim::Host;
using os::sim::must;
using os::sim::Tear;
using os::sim::test_seed;
using os::sim::World;
using ::testing::HasSubstr;

constexpr const char* schema[] = {"CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB)",
                                  "ALTER TABLE item ADD COLUMN size INTEGER"};

struct Machine {
  explicit Machine(std::uint64_t salt = 0) : world(test_seed(salt)), host(world.add_host("a")) {}
  std::unique_ptr<Database> open(Options options = {}) { return must(try_open(options)); }
  Result<std::unique_ptr<Database>> try_open(Options options = {}) {
    return Database::open(host.files(), host.random(), host.clock(), "/meta.db", options);
  }
  World world;
  Host& host;
};

std::int64_t count(Connection& connection) {
  auto query = must(connection.prepare("SELECT count(*) FROM item"));
  must(query.step());
  return query.i64(0);
}

Result<> insert(Connection& connection, std::int64_t id, std::size_t size = 10) {
  return connection.run("INSERT INTO item (id, name, body) VALUES (?, ?, ?)", id, "item " + std::to_string(id),
                        Buffer(size, static_cast<std::byte>(id)));
}

TEST(Database, ReadsBackWhatWasWritten) {
  Machine m;
  auto database = m.open();
  Connection& db = database->writer();
  must(db.execute("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d BLOB, e INTEGER, f INTEGER)"));
  PoolId pool = m.host.random().id<PoolId>();
  must(db.run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", 7u, "text", Buffer(3, std::byte{9}), pool, Lsn{~0ull},
              std::optional<int>{}));
  auto query = must(db.prepare("SELECT * FROM t"));
  ASSERT_TRUE(must(query.step()));
  EXPECT_EQ(query.get<int>(0), 7);
  EXPECT_EQ(query.get<std::string>(1), "text");
  EXPECT_EQ(query.get<Buffer>(2), Buffer(3, std::byte{9}));
  EXPECT_EQ(query.get<PoolId>(3), pool);
  EXPECT_EQ(query.get<Lsn>(4), Lsn{~0ull});
  EXPECT_EQ(query.get<std::optional<int>>(5), std::nullopt);
  EXPECT_TRUE(query.read_well());
  EXPECT_FALSE(must(query.step()));
}

TEST(Database, AValueOfAnotherTypeThanAskedForIsCorrupt) {
  Machine m;
  auto database = m.open();
  auto query = must(database->writer().prepare("SELECT 'x', x'00'"));
  must(query.step());
  EXPECT_EQ(query.get<int>(0), 0);
  EXPECT_EQ(query.step().error().code, Code::corrupt);
  query.reset();
  must(query.step());
  EXPECT_TRUE(query.get<PoolId>(1).is_none());
  EXPECT_EQ(query.read_well().error().code, Code::corrupt);
}

TEST(Database, MigratesFromAnyEarlierVersionAndRefusesALaterOne) {
  Machine m;
  {
    auto database = m.open();
    must(database->migrate(std::span(schema).first(1)));
    must(insert(database->writer(), 1));
  }
  {
    auto database = m.open();
    must(database->migrate(schema));
    must(database->migrate(schema));
    must(database->writer().run("UPDATE item SET size = 5"));
    EXPECT_EQ(count(database->writer()), 1);
  }
  auto database = m.open();
  EXPECT_EQ(database->migrate(std::span(schema).first(1)).error().code, Code::unsupported);
}

TEST(Database, ATransactionThatIsNotCommittedLeavesNoTrace) {
  Machine m;
  auto database = m.open();
  must(database->migrate(schema));
  {
    auto transaction = must(database->writer().begin());
    must(insert(database->writer(), 1));
  }
  EXPECT_EQ(count(database->writer()), 0);
  auto transaction = must(database->writer().begin());
  must(insert(database->writer(), 1));
  EXPECT_EQ(insert(database->writer(), 1).error().code, Code::exists);
  must(transaction.commit());
  EXPECT_EQ(count(database->writer()), 1);
}

TEST(Database, AReaderKeepsItsViewWhileTheWriterGoesOn) {
  Machine m;
  auto database = m.open();
  must(database->migrate(schema));
  must(insert(database->writer(), 1));
  auto reader = must(database->reader());
  auto other = must(database->reader());
  EXPECT_EQ(count(*reader), 1);
  {
    auto view = must(reader->begin());
    EXPECT_EQ(count(*reader), 1);
    for (int i = 2; i < 100; ++i) must(insert(database->writer(), i, 2000));
    EXPECT_EQ(count(*reader), 1);
    EXPECT_EQ(count(*other), 99);
    WalState held = must(database->wal_checkpoint());
    EXPECT_LT(held.moved, held.pages);
    EXPECT_EQ(count(*reader), 1);
  }
  WalState all = must(database->wal_checkpoint());
  EXPECT_EQ(all.moved, all.pages);
  EXPECT_EQ(count(*reader), 99);
  EXPECT_EQ(insert(*reader, 1000).error().code, Code::read_only);
}

TEST(Database, TheLogStaysWithinItsLimitByItself) {
  Machine m;
  auto database = m.open({.wal_limit = 256_KiB});
  must(database->migrate(schema));
  for (int i = 0; i < 400; ++i) must(insert(database->writer(), i, 3000));
  EXPECT_LE(m.host.disk().bytes_of("/meta.db-wal").size(), 512u << 10);
  EXPECT_EQ(count(database->writer()), 400);
  must(database->verify());
}

TEST(Database, SurvivesAPowerCutWithWhatWasCommitted) {
  for (std::uint64_t salt = 0; salt < 20; ++salt) {
    Machine m(salt);
    auto database = m.open();
    must(database->migrate(schema));
    for (int i = 0; i < 20; ++i) must(insert(database->writer(), i, 1500));
    if (salt % 2 == 0) must(database->wal_checkpoint());
    for (int i = 20; i < 30; ++i) must(insert(database->writer(), i, 1500));
    m.host.power_cut(Tear::any);
    database.reset();
    m.host.restart();
    database = m.open();
    ASSERT_EQ(count(database->writer()), 30);
    must(database->verify());
  }
}

// The host dies before or inside each disk operation in turn, from the first opening to a checkpoint, and loses power in
// every way, or does not.
TEST(Database, ACrashAtAnyDiskOperationLeavesEachTransactionWholeOrNotAtAll) {
  std::uint64_t died = 0;
  for (std::uint64_t n = 1;; ++n) {
    std::int64_t promised = 0, tried = 0;
    Machine m(n);
    bool killed = n % 3 == 0;
    if (killed) m.host.disk().die_during(n);
    else m.host.disk().die_before(n);
    {
      auto database = m.try_open();
      if (database && (*database)->migrate(schema)) {
        Connection& db = (*database)->writer();
        for (int round = 0; round < 4; ++round) {
          auto transaction = db.begin();
          if (!transaction) break;
          bool whole = true;
          for (int i = 0; i < 5; ++i) whole = whole && insert(db, round * 5 + i, 3000).has_value();
          if (!whole) break;
          tried = round + 1;
          if (!transaction->commit()) break;
          promised = round + 1;
          if (round == 1 && !(*database)->wal_checkpoint()) break;
        }
      }
    }
    bool alive = m.host.alive();
    died += alive ? 0 : 1;
    if (!killed) m.host.power_cut(Tear::any);
    m.host.restart();
    auto database = m.open();
    must(database->migrate(schema));
    std::int64_t left = count(database->writer());
    ASSERT_EQ(left % 5, 0) << "operation " << n;
    ASSERT_GE(left / 5, promised) << "operation " << n;
    ASSERT_LE(left / 5, std::max(tried, promised)) << "operation " << n;
    must(database->verify());
    must(insert(database->writer(), 1000));
    if (alive) break;
  }
  EXPECT_GT(died, 30u);
}

TEST(Database, ADamagedPageIsRefusedByFileAndPage) {
  Machine m;
  {
    auto database = m.open();
    must(database->migrate(schema));
    for (int i = 0; i < 50; ++i) must(insert(database->writer(), i, 3000));
    must(database->wal_checkpoint());
    must(insert(database->writer(), 50));   // begins the log anew: pages that it holds would be read from there
    must(database->verify());
  }
  m.host.disk().corrupt("/meta.db", Bytes{20 * 4096 + 77});
  auto database = m.open();
  auto query = must(database->writer().prepare("SELECT body FROM item"));
  Result<bool> row = true;
  while (row && *row) row = query.step();
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().code, Code::corrupt);
  EXPECT_THAT(row.error().message, HasSubstr("/meta.db: page 21"));
  auto verified = database->verify();
  EXPECT_EQ(verified.error().code, Code::corrupt);
  EXPECT_THAT(verified.error().message, HasSubstr("/meta.db: page 21"));
}

TEST(Database, APageInAnothersPlaceIsRefused) {
  Machine m;
  {
    auto database = m.open();
    must(database->migrate(schema));
    for (int i = 0; i < 50; ++i) must(insert(database->writer(), i, 3000));
    must(database->wal_checkpoint());
    must(insert(database->writer(), 50));
  }
  Buffer all = m.host.disk().bytes_of("/meta.db");
  auto file = must(m.host.files().open_blocking("/meta.db", {}));
  must(file->write(Bytes{20 * 4096}, Span(all).subspan(21 * 4096, 4096)));
  auto verified = m.open()->verify();
  EXPECT_EQ(verified.error().code, Code::corrupt);
  EXPECT_THAT(verified.error().message, HasSubstr("page 21"));
}

TEST(Database, RotInTheLogIsNotReadAndNotMovedIntoTheFile) {
  for (bool reopened : {false, true}) {
    Machine m;
    auto database = m.open();
    must(database->migrate(schema));
    must(database->wal_checkpoint());
    for (int i = 0; i < 200; ++i) must(insert(database->writer(), i, 3000));
    if (reopened) {
      database.reset();
      database = m.open();
      EXPECT_EQ(count(database->writer()), 200);
    }
    std::uint64_t frames = (m.host.disk().bytes_of("/meta.db-wal").size() - 32) / 4120;
    m.host.disk().corrupt("/meta.db-wal", Bytes{32 + (frames - 1) * 4120 + 24 + 1000});
    auto moved = database->wal_checkpoint();
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, Code::corrupt);
    EXPECT_THAT(moved.error().message, HasSubstr("/meta.db-wal: page of frame " + std::to_string(frames)));
  }
}

TEST(Database, AFailedSyncIsFinalUntilTheDatabaseIsOpenedAgain) {
  Machine m;
  auto database = m.open();
  must(database->migrate(schema));
  must(insert(database->writer(), 1));
  m.host.disk().fail_syncs("/meta.db-wal", 1);
  EXPECT_EQ(insert(database->writer(), 2).error().code, Code::io);
  EXPECT_EQ(insert(database->writer(), 3).error().code, Code::io);
  EXPECT_FALSE(database->wal_checkpoint());
  database.reset();
  database = m.open();
  must(insert(database->writer(), 4));
  auto query = must(database->writer().prepare("SELECT count(*) FROM item WHERE id IN (1, 4)"));
  must(query.step());
  EXPECT_EQ(query.i64(0), 2);
}

TEST(Database, AFullDiskIsNoSpaceAndTheTransactionIsUndone) {
  Machine m;
  auto database = m.open({.cache = 64_KiB});
  must(database->migrate(schema));
  must(insert(database->writer(), 1));
  m.host.disk().set_capacity(200_KiB);
  auto transaction = must(database->writer().begin());
  Result<> done;
  for (int i = 2; i < 1000 && done; ++i) done = insert(database->writer(), i, 3000);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::no_space);
  EXPECT_EQ(transaction.commit().error().code, Code::no_space);
  EXPECT_EQ(count(database->writer()), 1);
  m.host.disk().set_capacity(1_GiB);
  must(insert(database->writer(), 2));
}

TEST(Database, SomethingElsesFileIsRefused) {
  Machine m;
  must(must(m.host.files().open_blocking("/meta.db", {.create = os::Create::must_be_new}))->write(0_B, Buffer(8192, std::byte{'x'})));
  auto database = m.try_open();
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, Code::corrupt);
  EXPECT_THAT(database.error().message, HasSubstr("/meta.db"));
}

TEST(Database, ADatabaseOfAnotherPageSizeIsRefused) {
  Machine m;
  {
    auto database = m.open();
    must(database->migrate(schema));
    must(database->wal_checkpoint());
  }
  must(m.host.files().remove("/meta.db-wal"));
  auto file = must(m.host.files().open_blocking("/meta.db", {}));
  must(file->write(16_B, Buffer{std::byte{4}, std::byte{0}}));   // 1024 bytes
  auto database = m.try_open();
  if (database) database = fail(m.open()->migrate(schema).error());
  EXPECT_EQ(database.error().code, Code::corrupt);
  EXPECT_THAT(database.error().message, HasSubstr("/meta.db"));
}

TEST(Database, OneSeedWritesOneFile) {
  auto run = [] {
    Machine m;
    auto database = m.open();
    must(database->migrate(schema));
    for (int i = 0; i < 20; ++i) must(insert(database->writer(), i, 500));
    must(database->writer().execute("INSERT INTO item (name) VALUES (hex(randomblob(8)) || datetime('now'))"));
    return m.host.disk().fingerprint();
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace lockstep::db
