// Connections of one database in real threads, on real files.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "db/db.h"
#include "os/real/real.h"
#include "os/sim/testing.h"

namespace lockstep::db {
namespace {

using os::sim::must;

constexpr int accounts = 20, rounds = 240;

// Money moves between two accounts in each transaction: whoever sees another sum saw half of one.
void move_money(Database& database) {
  Connection& writer = database.writer();
  for (int round = 0; round < rounds; ++round) {
    auto transaction = must(writer.begin());
    must(writer.run("UPDATE account SET money = money - 1 WHERE id = ?", round % accounts));
    must(writer.run("UPDATE account SET money = money + 1 WHERE id = ?", (round * 7 + 3) % accounts));
    must(writer.run("INSERT INTO note (body) VALUES (?)", Buffer(2000, static_cast<std::byte>(round))));
    must(transaction.commit());
    if (round % 20 == 19) must(database.wal_checkpoint());
  }
}

int count_wrong_sums(Connection& reader, const std::atomic<bool>& done) {
  int wrong = 0;
  for (int looks = 0; looks < 5 || !done; ++looks) {
    auto view = must(reader.begin());
    std::int64_t sum = 0;
    for (int id = 0; id < accounts; ++id) {   // one by one: the view must hold still
      auto query = must(reader.prepare("SELECT money FROM account WHERE id = ?"));
      query.bind(1, id);
      CHECK(must(query.step()));
      sum += query.i64(0);
    }
    if (sum != accounts * 100) ++wrong;
    must(view.commit());
  }
  return wrong;
}

TEST(DatabaseThreads, ReadersSeeWholeTransactionsOnly) {
  std::string directory = (std::filesystem::temp_directory_path() / "lockstep-db-XXXXXX").string();
  CHECK(::mkdtemp(directory.data()) != nullptr);
  {
    os::real::RealOptions options;
    options.io = os::real::Io::threads;
    os::real::RealHost host(options);
    auto database = must(Database::open(host.files(), host.random(), host.clock(), directory + "/meta.db",
                                        {.cache = 256_KiB, .wal_limit = 256_KiB}));
    constexpr const char* schema[] = {
        "CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER); CREATE TABLE note (body BLOB)"};
    must(database->migrate(schema));
    for (int id = 0; id < accounts; ++id) must(database->writer().run("INSERT INTO account VALUES (?, 100)", id));
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> readers;
      readers.reserve(3);
      for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
          auto reader = must(database->reader());
          wrong += count_wrong_sums(*reader, done);
        });
      move_money(*database);
      done = true;
    }
    EXPECT_EQ(wrong, 0);
    must(database->verify());
    EXPECT_LT(std::filesystem::file_size(directory + "/meta.db-wal"), 4u << 20);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace lockstep::db
