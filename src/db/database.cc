#include "db/database.h"

#include <vector>

#include "db/connection_state.h"

namespace lockstep::db {

struct Database::State {
  os::Files& files;
  os::Random& random;
  const rt::Clock& clock;
  std::string path;
  Options options;
  Shared shared;
  std::unique_ptr<Connection> writer = nullptr;

  Result<WalState> move_log();
  Result<> verify_pages();
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(os::Files& files, os::Random& random, const rt::Clock& clock, std::string path,
                                                 Options options) {
  seed_sqlite(random);
  auto state = std::unique_ptr<State>(new State{files, random, clock, std::move(path), options, {}});
  detail::OpenConnection how{.path = state->path, .writer = true, .options = options};
  TRY(auto connection, detail::connect(files, random, clock, state->shared, how));
  state->writer.reset(new Connection(std::move(connection)));
  return std::unique_ptr<Database>(new Database(std::move(state)));
}

Connection& Database::writer() { return *state_->writer; }
const std::string& Database::path() const { return state_->path; }

Result<std::unique_ptr<Connection>> Database::reader() {
  detail::OpenConnection how{.path = state_->path, .writer = false, .options = state_->options};
  TRY(auto connection, detail::connect(state_->files, state_->random, state_->clock, state_->shared, how));
  return std::unique_ptr<Connection>(new Connection(std::move(connection)));
}

Result<> Database::migrate(std::span<const char* const> steps) {
  Connection& writer = *state_->writer;
  std::size_t version = 0;
  {
    TRY(Statement query, writer.prepare("PRAGMA user_version"));
    TRY_VOID(query.step());
    version = query.get<std::uint32_t>(0);
  }
  if (version > steps.size())
    return fail(Code::unsupported, state_->path + ": written by a newer release: its schema is version " +
                                       std::to_string(version) + ", ours is " + std::to_string(steps.size()));
  for (; version < steps.size(); ++version) {
    TRY(Transaction transaction, writer.begin());
    TRY_VOID(writer.execute(steps[version]));
    TRY_VOID(writer.execute("PRAGMA user_version = " + std::to_string(version + 1)));
    TRY_VOID(transaction.commit());
  }
  return {};
}

Result<WalState> Database::State::move_log() {
  detail::ConnectionState& connection = *writer->state_;
  int pages = 0, moved = 0;
  int rc = sqlite3_wal_checkpoint_v2(connection.sqlite, "main", SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
  if (rc != SQLITE_OK) return fail(connection.error_of(rc).in("moving the log into the file"));
  return WalState{static_cast<std::uint64_t>(std::max(pages, 0)), static_cast<std::uint64_t>(std::max(moved, 0))};
}

Result<WalState> Database::wal_checkpoint() { return state_->move_log(); }

// Every page of the file, in use or not: SQLite reads only those in use.
Result<> Database::State::verify_pages() {
  TRY(auto file, files.open_blocking(path, {.read_only = true}));
  TRY(Bytes size, file->size());
  Buffer chunk(256 * page_size);
  for (std::uint64_t at = 0; at < size.value; at += chunk.size()) {
    TRY(std::size_t n, file->read(Bytes{at}, chunk));
    for (std::size_t i = 0; i < n; i += page_size) {
      std::uint64_t number = (at + i) / page_size + 1;
      if (n - i < page_size) return fail(Code::corrupt, path + ": page " + std::to_string(number) + " is cut short");
      Span page = Span(chunk).subspan(i, page_size);
      if (!page_is_good(page, number) && !is_zero(page))   // zero: an unused page that was never written
        return fail(Code::corrupt, path + ": page " + std::to_string(number) + ": the bytes do not match their checksum");
    }
  }
  return {};
}

Result<> Database::verify() {
  TRY(WalState log, state_->move_log());
  // Pages that wait in the log may be half-written in the file since a power cut: the log's copy is what counts.
  if (log.moved < log.pages) return fail(Code::busy, state_->path + ": readers hold back the log; verify when they are done");
  TRY_VOID(state_->verify_pages());
  TRY(Statement check, state_->writer->prepare("PRAGMA integrity_check(1)"));
  TRY(bool row, check.step());
  std::string said = row ? check.get<std::string>(0) : "no answer";
  TRY_VOID(check.read_well());
  if (said != "ok") return fail(Code::corrupt, state_->path + ": " + said);
  return {};
}

}  // namespace lockstep::db
