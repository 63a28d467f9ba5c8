// Database: one SQLite file with its write-ahead log, opened over os.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/base.h"
#include "db/connection.h"
#include "os/os.h"

namespace lockstep::db {

struct Options {
  Bytes cache = 8_MiB;       // page cache of each connection
  Bytes wal_limit = 16_MiB;  // a commit that leaves the log longer than this moves its pages into the file as well
};

struct WalState {
  std::uint64_t pages = 0;   // in the log
  std::uint64_t moved = 0;   // of those, already in the database file; readers with an old view hold back the rest
};

class Database {
 public:
  // Opens or creates (the directory must exist). What a power cut left behind is recovered here. `files`, `random` and
  // `clock` must outlive the database.
  static Result<std::unique_ptr<Database>> open(os::Files& files, os::Random& random, const rt::Clock& clock, std::string path,
                                                Options options = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Step n takes the schema from version n to n+1, each in a transaction of its own. Steps that were done stay done.
  // `unsupported` when the file knows more steps than we do.
  Result<> migrate(std::span<const char* const> steps);

  [[nodiscard]] Connection& writer();
  // Sees the last commit as of its first read, or as of its Transaction's first read. Cannot write. Must die before the database.
  Result<std::unique_ptr<Connection>> reader();

  // Moves what is in the log into the file, as far as readers allow. If all of it could move, the next write starts the log over.
  Result<WalState> wal_checkpoint();
  // Reads every page: each against its checksum, and the structure they form. The first fault is the error.
  Result<> verify();
  [[nodiscard]] const std::string& path() const;

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::db
