#include "replica/model/times.h"

#include <array>
#include <span>

#include "replica/model/rows.h"

namespace lockstep::replica {
namespace {

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

struct Line {
  Operation operation;
  std::array<Noted, columns> cells;
};

consteval Noted parse(std::string_view word) {
  Noted out;
  for (char letter : word) switch (letter) {
      case 'A': out.activated = true; break;
      case 'S': out.synchronized = true; break;
      case 'U': out.suspended = true; break;
      case 'F': out.failed_over = true; break;
      case '.': break;
      default: throw "a cell is not in the table's language";
    }
  return out;
}

template <std::size_t n>
consteval std::array<Line, n> parse(const std::array<Row, n>& rows) {
  std::array<Line, n> out{};
  for (std::size_t i = 0; i < n; ++i) {
    auto words = words_of(rows[i]);
    out[i].operation = rows[i].operation;
    for (std::size_t column = 0; column < columns; ++column) out[i].cells[column] = parse(words[column]);
  }
  return out;
}

constexpr auto mirror_lines = parse(mirror_rows);
constexpr auto snapshot_lines = parse(snapshot_rows);
constexpr auto clone_lines = parse(clone_rows);

std::span<const Line> lines_of(SyncType type) noexcept {
  switch (type) {
    case SyncType::mirror: return mirror_lines;
    case SyncType::snapshot: return snapshot_lines;
    case SyncType::clone: return clone_lines;
    case SyncType::tokenized_clone: break;   // it is at once what it becomes
  }
  return {};
}

}  // namespace

Noted noted_by(SyncType type, Operation operation, CopyState state) noexcept {
  if (state < first_column || state > last_column) return {};
  for (const Line& line : lines_of(type))
    if (line.operation == operation) return line.cells[column_of(state)];
  return {};
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
