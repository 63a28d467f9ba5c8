// Connection: statements and transactions on one database. One worker job at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/base.h"
#include "db/statement.h"

namespace lockstep::db {

class Database;
namespace detail {
struct ConnectionState;
}

// Rolled back when it dies uncommitted. On a writer it holds the right to write from begin() on; on a reader it holds one
// unchanging view of the database.
class [[nodiscard]] Transaction {
 public:
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // Durable when it returns without error. After an error nothing of the transaction is there (unless the error is `io`
  // from a sync: then only opening the database again tells).
  Result<> commit();
  void rollback();

 private:
  friend class Connection;
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

class Connection {
 public:
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Compiled once per text and kept. Bad SQL is `invalid`.
  Result<Statement> prepare(std::string_view sql);
  // One statement with parameters, its rows dropped.
  template <class... Args>
  Result<> run(std::string_view sql, const Args&... args) {
    TRY(Statement statement, prepare(sql));
    return statement.with(args...).run();
  }
  // Any number of statements without parameters, their rows dropped.
  Result<> execute(const std::string& sql);

  Result<Transaction> begin();
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] std::int64_t last_row_id() const;
  [[nodiscard]] std::int64_t rows_changed() const;   // by the last statement

 private:
  friend class Database;
  friend class Statement;
  friend class Transaction;
  explicit Connection(std::unique_ptr<detail::ConnectionState> state);
  std::unique_ptr<detail::ConnectionState> state_;
};

}  // namespace lockstep::db
