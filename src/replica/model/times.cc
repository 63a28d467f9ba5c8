#include "replica/model/times.h"

#include <array>

namespace lockstep::replica {
namespace {

constexpr std::size_t columns = 12;

struct Row {
  Operation operation;
  std::string_view cells;  // one per CopyState 2..13
};

// A cell: A activated, S synchronized, U suspended, F failed over; . nothing. Operations that are not named note nothing anywhere.
// A mirror that was stopped and is failed over or turned takes up first what it lacks, and is Synchronized for that moment.
constexpr std::array mirror_rows = {
    //                                   Ini  Uns  Syn  Bro  Fra  Spl  Ina  Sus  FO   Pre  Abo  Ske
    Row{Operation::activate,             "AS   .    .    .    .    .    AS   .    .    AS   .    ."},
    Row{Operation::failover,             ".    SF   F    F    F    F    ASF  ASF  .    .    .    F"},
    Row{Operation::failback,             ".    .    .    .    .    .    .    .    AS   .    .    ."},
    Row{Operation::resync_replica,       ".    .    .    AS   AS   AS   .    AS   .    .    AS   AS"},
    Row{Operation::restore_from_replica, ".    .    .    .    AS   AS   .    AS   .    .    .    AS"},
    Row{Operation::resume,               ".    .    .    .    .    .    .    AS   .    .    .    ."},
    Row{Operation::reverse_roles,        ".    .    AS   .    .    .    .    ASU  U    .    .    ."},
    Row{Operation::suspend,              ".    U    U    .    .    .    .    .    .    .    .    ."},
};
constexpr std::array snapshot_rows = {
    Row{Operation::activate,             "AS   .    .    .    .    .    AS   .    .    AS   .    ."},
    Row{Operation::resync_replica,       ".    .    AS   AS   AS   .    .    .    .    .    AS   AS"},
};
// Of a clone that is complete nothing is left that would have times.
constexpr std::array clone_rows = {
    Row{Operation::suspend,              ".    U    .    .    .    .    .    .    .    .    .    ."},
};

// The word of the column, or nothing.
template <std::size_t n>
constexpr std::string_view word_of(const std::array<Row, n>& rows, Operation operation, std::size_t column) noexcept {
  for (const Row& row : rows) {
    if (row.operation != operation) continue;
    std::string_view rest = row.cells;
    for (std::size_t i = 0;; ++i) {
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
      std::string_view word = rest.substr(0, rest.find(' '));
      if (i == column) return word;
      rest.remove_prefix(word.size());
    }
  }
  return {};
}

}  // namespace

Noted noted_by(SyncType type, Operation operation, CopyState state) noexcept {
  if (state < first_column || state > last_column) return {};
  auto column = static_cast<std::size_t>(state) - static_cast<std::size_t>(first_column);
  static_assert(static_cast<std::size_t>(last_column) - static_cast<std::size_t>(first_column) + 1 == columns);
  std::string_view word;
  switch (type) {
    case SyncType::mirror: word = word_of(mirror_rows, operation, column); break;
    case SyncType::snapshot: word = word_of(snapshot_rows, operation, column); break;
    case SyncType::clone: word = word_of(clone_rows, operation, column); break;
    case SyncType::tokenized_clone: break;
  }
  auto has = [word](char letter) { return word.find(letter) != std::string_view::npos; };
  return Noted{has('A'), has('S'), has('U'), has('F')};
}

std::string text_of(const Noted& noted) {
  std::string out;
  auto add = [&](bool is, const char* what) {
    if (is) out += (out.empty() ? "" : ", ") + std::string(what);
  };
  add(noted.activated, "activated");
  add(noted.synchronized, "synchronized");
  add(noted.suspended, "suspended");
  add(noted.failed_over, "failed over");
  return out.empty() ? "–" : out;
}

}  // namespace lockstep::replica
