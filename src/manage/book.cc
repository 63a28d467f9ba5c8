#include "manage/book.h"

#include <utility>

#include "manage/schema.h"

namespace lockstep::manage {

namespace {

Result<std::unique_ptr<db::Database>> open_database(os::Host& host, const std::string& path) {
  db::Options options;
  options.cache = 2_MiB;
  options.wal_limit = 4_MiB;
  TRY(std::unique_ptr<db::Database> database, db::Database::open(host.files(), host.random(), host.clock(), path, options));
  TRY_VOID(database->migrate(schema_steps()));
  return database;
}

Result<> run_in_transaction(db::Connection& connection, Book::Job& job) {
  TRY(db::Transaction transaction, connection.begin());
  TRY_VOID(job(connection));
  return transaction.commit();
}

}  // namespace

rt::Task<Result<std::unique_ptr<Book>>> Book::open(os::Host& host, rt::Loop& loop, std::string path) {
  auto database = co_await rt::work(loop, [&host, &path] { return open_database(host, path); });
  if (!database) co_return fail(std::move(database).error().in("system database"));
  co_return std::unique_ptr<Book>(new Book(loop, *std::move(database)));
}

rt::Task<Result<>> Book::run(Job job) {
  co_await turn_.take(1);
  if (!database_) {
    turn_.give(1);
    co_return fail(Code::cancelled, "the system is stopping");
  }
  Result<> result = co_await rt::work(loop_, [this, &job] { return run_in_transaction(database_->writer(), job); });
  turn_.give(1);
  if (!result) co_return fail(result.error().in("system database"));
  co_return result;
}

rt::Task<Result<std::optional<std::string>>> Book::setting(std::string name) {
  std::optional<std::string> value;
  Job job = [&](db::Connection& connection) -> Result<> {
    TRY(db::Statement row, connection.prepare("SELECT value FROM settings WHERE name = ?"));
    row.bind(1, name);
    TRY(bool there, row.step());
    if (there) value = row.get<std::string>(0);
    return row.read_well();
  };
  Result<> done = co_await run(std::move(job));
  if (!done) co_return fail(done.error());
  co_return value;
}

rt::Task<Result<>> Book::set_setting(std::string name, std::string value) {
  Job job = [&](db::Connection& connection) -> Result<> {
    return connection.run("INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value);
  };
  co_return co_await run(std::move(job));
}

rt::Task<void> Book::close() {
  co_await turn_.take(1);
  std::unique_ptr<db::Database> database = std::move(database_);
  co_await rt::work(loop_, [&database] { database.reset(); });
  turn_.give(1);
}

}  // namespace lockstep::manage
