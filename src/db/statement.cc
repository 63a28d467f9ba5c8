#include "db/statement.h"

#include "db/connection_state.h"

namespace lockstep::db {

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), prepared_(std::exchange(other.prepared_, nullptr)), error_(std::move(other.error_)) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  reset();
  detail::ConnectionState& state = *connection_.state_;
  --state.lent;
  std::unique_ptr<detail::Prepared> owned(prepared_);
  state.idle[owned->sql].push_back(std::move(owned));
}

void Statement::bind(int at, std::nullptr_t) { CHECK(sqlite3_bind_null(prepared_->statement, at) == SQLITE_OK); }
void Statement::bind(int at, std::int64_t value) {
  CHECK(sqlite3_bind_int64(prepared_->statement, at, value) == SQLITE_OK);
}
void Statement::bind(int at, std::string_view text) {
  const char* from = text.data() != nullptr ? text.data() : "";
  int rc = sqlite3_bind_text64(prepared_->statement, at, from, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  CHECK(rc != SQLITE_RANGE && rc != SQLITE_MISUSE);
  if (rc != SQLITE_OK && !error_) error_ = connection_.state_->error_of(rc);
}
void Statement::bind(int at, Span blob) {
  const void* from = blob.data() != nullptr ? static_cast<const void*>(blob.data()) : "";
  int rc = sqlite3_bind_blob64(prepared_->statement, at, from, blob.size(), SQLITE_TRANSIENT);
  CHECK(rc != SQLITE_RANGE && rc != SQLITE_MISUSE);
  if (rc != SQLITE_OK && !error_) error_ = connection_.state_->error_of(rc);
}

Result<bool> Statement::step() {
  if (error_) return fail(*error_);
  int rc = sqlite3_step(prepared_->statement);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  error_ = connection_.state_->error_of(rc);
  return fail(*error_);
}

Result<> Statement::run() {
  for (;;) {
    auto row = step();
    if (row && *row) continue;
    reset();
    if (!row) return fail(std::move(row).error());
    return {};
  }
}

void Statement::reset() {
  sqlite3_reset(prepared_->statement);
  sqlite3_clear_bindings(prepared_->statement);
  error_.reset();
}

bool Statement::is_null(int column) const { return sqlite3_column_type(prepared_->statement, column) == SQLITE_NULL; }

std::int64_t Statement::i64(int column) {
  CHECK(column >= 0 && column < sqlite3_column_count(prepared_->statement));
  if (sqlite3_column_type(prepared_->statement, column) != SQLITE_INTEGER) {
    misread(column);
    return 0;
  }
  return sqlite3_column_int64(prepared_->statement, column);
}

std::string_view Statement::text(int column) {
  CHECK(column >= 0 && column < sqlite3_column_count(prepared_->statement));
  if (sqlite3_column_type(prepared_->statement, column) != SQLITE_TEXT) {
    misread(column);
    return {};
  }
  const auto* from = reinterpret_cast<const char*>(sqlite3_column_text(prepared_->statement, column));
  return {from, static_cast<std::size_t>(sqlite3_column_bytes(prepared_->statement, column))};
}

Span Statement::blob(int column) {
  CHECK(column >= 0 && column < sqlite3_column_count(prepared_->statement));
  if (sqlite3_column_type(prepared_->statement, column) != SQLITE_BLOB) {
    misread(column);
    return {};
  }
  const auto* from = static_cast<const std::byte*>(sqlite3_column_blob(prepared_->statement, column));
  return {from, static_cast<std::size_t>(sqlite3_column_bytes(prepared_->statement, column))};
}

void Statement::misread(int column) {
  if (error_) return;
  const char* name = sqlite3_column_name(prepared_->statement, column);
  error_ = Error{Code::corrupt, connection_.state_->path + ": column " + (name != nullptr ? name : "?") +
                                    " holds a value of another type or size than was written"};
}

Result<> Statement::read_well() const {
  if (error_) return fail(*error_);
  return {};
}

}  // namespace lockstep::db
