// What a Connection is made of. Private to db.
#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "db/vfs.h"

namespace lockstep::db::detail {

struct Prepared {
  sqlite3_stmt* statement = nullptr;
  std::string sql;
  ~Prepared() { sqlite3_finalize(statement); }
};

struct ConnectionState {
  ConnectionState(os::Files& files, os::Random& random, const rt::Clock& clock, Shared& shared, std::string at)
      : vfs(files, random, clock, shared), path(std::move(at)) {}
  ~ConnectionState();

  // What SQLite's code `rc` means to our callers, in the words of whoever said no first.
  Error error_of(int rc);
  Result<> execute(const char* sql);
  Result<std::unique_ptr<Prepared>> compile(std::string_view sql);

  Vfs vfs;
  std::string path;
  sqlite3* sqlite = nullptr;
  bool writer = false;
  std::uint64_t log_pages_max = 0;    // beyond it, a commit moves pages into the file
  std::uint64_t log_pages = 0;        // as of the last commit here
  std::map<std::string, std::vector<std::unique_ptr<Prepared>>, std::less<>> idle;   // by their text
  std::size_t lent = 0;               // statements in use
  bool in_transaction = false;        // a Transaction lives and was neither committed nor rolled back
  std::optional<Error> undone_by;     // SQLite gave its transaction up because of this
};

struct OpenConnection {
  std::string path;
  bool writer = true;
  Options options;
};
Result<std::unique_ptr<ConnectionState>> connect(os::Files& files, os::Random& random, const rt::Clock& clock, Shared& shared,
                                                 const OpenConnection& how);

}  // namespace lockstep::db::detail
