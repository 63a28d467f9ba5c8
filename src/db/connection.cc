#include "db/connection.h"

#include "db/connection_state.h"

namespace lockstep::db {
namespace detail {

ConnectionState::~ConnectionState() {
  CHECK(lent == 0);   // statements die before their connection
  idle.clear();
  if (sqlite != nullptr) CHECK(sqlite3_close(sqlite) == SQLITE_OK);
}

Result<> ConnectionState::execute(const char* sql) {
  int rc = sqlite3_exec(sqlite, sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return fail(error_of(rc));
  return {};
}

Result<std::unique_ptr<Prepared>> ConnectionState::compile(std::string_view sql) {
  auto prepared = std::make_unique<Prepared>();
  prepared->sql = std::string(sql);
  const char* rest = nullptr;
  int rc = sqlite3_prepare_v3(sqlite, prepared->sql.c_str(), static_cast<int>(prepared->sql.size() + 1),
                              SQLITE_PREPARE_PERSISTENT, &prepared->statement, &rest);
  if (rc != SQLITE_OK) {
    Error error = error_of(rc);
    return fail(error.in("in '" + prepared->sql + "'"));
  }
  if (prepared->statement == nullptr) return fail(Code::invalid, path + ": no statement in '" + prepared->sql + "'");
  return prepared;
}

namespace {

// Called after each commit: the log is not to grow without bound.
int after_commit(void* context, sqlite3* sqlite, const char* name, int pages) {
  auto& state = *static_cast<ConnectionState*>(context);
  state.log_pages = static_cast<std::uint64_t>(pages);
  if (state.log_pages > state.log_pages_max) {
    sqlite3_wal_checkpoint_v2(sqlite, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    ignore(state.vfs.take_error(), "the commit is durable; who writes next hears of it");
  }
  return SQLITE_OK;
}

Result<> expect_wal(ConnectionState& state) {
  sqlite3_stmt* statement = nullptr;
  int rc = sqlite3_prepare_v2(state.sqlite, "PRAGMA journal_mode = WAL", -1, &statement, nullptr);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  bool wal = rc == SQLITE_ROW && std::string_view(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0))) == "wal";
  Result<> result;
  if (rc != SQLITE_ROW) result = fail(state.error_of(rc));
  else if (!wal) result = fail(Code::io, state.path + ": the write-ahead log cannot be used");
  sqlite3_finalize(statement);
  return result;
}

}  // namespace

Result<std::unique_ptr<ConnectionState>> connect(os::Files& files, os::Random& random, const rt::Clock& clock, Shared& shared,
                                                 const OpenConnection& how) {
  auto state = std::make_unique<ConnectionState>(files, random, clock, shared, how.path);
  state->writer = how.writer;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  if (how.writer) flags |= SQLITE_OPEN_CREATE;
  int rc = sqlite3_open_v2(how.path.c_str(), &state->sqlite, flags, state->vfs.name());
  if (rc != SQLITE_OK) return fail(state->error_of(rc));
  int reserved = checksum_size;
  sqlite3_file_control(state->sqlite, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  sqlite3_db_config(state->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(state->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  std::string settings =
      "PRAGMA page_size = " + std::to_string(page_size) + ";"
      "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
      "PRAGMA cache_size = -" + std::to_string(how.options.cache.value >> 10) + ";"
      "PRAGMA journal_size_limit = " + std::to_string(how.options.wal_limit.value) + ";";
  TRY_VOID(state->execute(settings.c_str()));
  if (how.writer) {
    TRY_VOID(expect_wal(*state));
    state->log_pages_max = how.options.wal_limit.value / page_size;
    sqlite3_wal_hook(state->sqlite, after_commit, state.get());
  } else {
    sqlite3_wal_autocheckpoint(state->sqlite, 0);
  }
  TRY_VOID(state->execute(how.writer ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = FULL; PRAGMA query_only = ON"));
  return state;
}

}  // namespace detail

Connection::Connection(std::unique_ptr<detail::ConnectionState> state) : state_(std::move(state)) {}
Connection::~Connection() = default;

Result<Statement> Connection::prepare(std::string_view sql) {
  std::unique_ptr<detail::Prepared> prepared;
  if (auto it = state_->idle.find(sql); it != state_->idle.end() && !it->second.empty()) {
    prepared = std::move(it->second.back());
    it->second.pop_back();
  } else {
    TRY(prepared, state_->compile(sql));
  }
  ++state_->lent;
  return Statement(*this, prepared.release());
}

Result<> Connection::execute(const std::string& sql) { return state_->execute(sql.c_str()); }

Result<Transaction> Connection::begin() {
  CHECK(!state_->in_transaction);
  TRY_VOID(state_->execute(state_->writer ? "BEGIN IMMEDIATE" : "BEGIN"));
  state_->in_transaction = true;
  state_->undone_by.reset();
  return Transaction(*this);
}

bool Connection::in_transaction() const { return state_->in_transaction; }
std::int64_t Connection::last_row_id() const { return sqlite3_last_insert_rowid(state_->sqlite); }
std::int64_t Connection::rows_changed() const { return sqlite3_changes64(state_->sqlite); }

Transaction::~Transaction() { rollback(); }

void Transaction::rollback() {
  if (connection_ == nullptr) return;
  detail::ConnectionState& state = *connection_->state_;
  if (sqlite3_get_autocommit(state.sqlite) == 0) ignore(state.execute("ROLLBACK"), "the log has no commit of it either way");
  state.in_transaction = false;
  connection_ = nullptr;
}

Result<> Transaction::commit() {
  CHECK(connection_ != nullptr);
  detail::ConnectionState& state = *connection_->state_;
  Result<> done;
  if (state.undone_by) done = fail(*state.undone_by);   // SQLite has rolled back already
  else done = state.execute("COMMIT");
  rollback();
  return done;
}

}  // namespace lockstep::db
