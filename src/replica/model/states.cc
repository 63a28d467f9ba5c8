#include "replica/model/states.h"

#include <array>

#include "replica/model/advice.h"
#include "replica/model/rows.h"

namespace lockstep::replica {
namespace {

// A cell: x refused · = no-op · - not offered · cfg · gone · n leads to CopyState n · 3>n copies, then n. F
// before it: only with force; r behind it: roles swapped.
constexpr std::array mirror_rows = {
    //                                      Ini   Uns    Syn   Bro   Fra   Spl   Ina   Sus   FO    Pre   Abo
    //                                      Ske
    Row{Operation::abort, "12    12     x     x     x     x     x     12    x     12    =     x"},
    Row{Operation::activate_consistency,
        "cfg   cfg    cfg   x     cfg   cfg   cfg   cfg   x     cfg   cfg   cfg"},
    Row{Operation::activate, "3>4   =      =     x     x     x     3>4   x     x     3>4   x     x"},
    Row{Operation::add_sync_pair, "x     x      cfg   x     cfg   cfg   x     cfg   x     x     x     x"},
    Row{Operation::deactivate_consistency,
        "cfg   cfg    cfg   cfg   cfg   cfg   cfg   cfg   cfg   cfg   cfg   cfg"},
    Row{Operation::deactivate, "8     8      8     x     x     x     =     8     x     8     x     x"},
    Row{Operation::detach, "gone  Fgone  gone  Fgone gone  gone  gone  gone  gone  gone  gone  gone"},
    Row{Operation::dissolve, "gone  Fgone  gone  Fgone gone  gone  gone  gone  x     gone  Fgone gone"},
    Row{Operation::failover, "x     F10    10    10    10    10    F10   10    =     x     x     F10"},
    Row{Operation::failback, "x     x      x     x     x     x     x     x     3>4   x     x     x"},
    Row{Operation::fracture, "x     6      6     x     =     =     6     6     x     x     x     x"},
    // Not while hosts use the target: a relationship of its own would overwrite what they wrote there.
    Row{Operation::remove_sync_pair, "cfg   cfg    cfg   cfg   x     x     cfg   cfg   x     cfg   cfg   x"},
    Row{Operation::resync_replica, "x     =      =     3>4   3>4   3>4   x     3>4   x     x     3>4   3>4"},
    Row{Operation::restore_from_replica,
        "x     x      x     x     3>4   3>4   x     F3>4  x     x     x     3>4"},
    Row{Operation::resume, "x     =      =     x     x     x     x     3>4   x     x     x     x"},
    Row{Operation::reset_to_sync, "cfg   cfg    cfg   x     cfg   cfg   cfg   cfg   x     cfg   cfg   cfg"},
    Row{Operation::reset_to_async, "cfg   cfg    cfg   x     cfg   cfg   cfg   cfg   x     cfg   cfg   cfg"},
    Row{Operation::return_to_resource_pool,
        "-     -      -     -     -     -     -     -     -     -     -     -"},
    Row{Operation::reverse_roles, "x     x      4r    x     6r    7r    x     9r    9r    x     x     x"},
    Row{Operation::split, "x     x      7     x     x     =     x     x     x     x     x     x"},
    Row{Operation::suspend, "x     9      9     x     x     x     x     =     x     x     x     x"},
    Row{Operation::unprepare, "11    11     11    11    11    11    11    11    x     =     11    11"},
    Row{Operation::prepare, "11    11     11    11    11    11    11    11    x     =     11    11"},
    Row{Operation::reset_to_adaptive,
        "cfg   cfg    cfg   x     cfg   cfg   cfg   cfg   x     cfg   cfg   cfg"},
};

constexpr std::array snapshot_rows = {
    //                        Ini   Uns   Syn   Bro   Fra   Spl  Ina   Sus  FO  Pre   Abo   Ske
    Row{Operation::abort, "12    12    x     x     x     x    x     x    x   12    =     x"},
    Row{Operation::activate, "3>4   =     =     x     x     x    4     x    x   4     x     ="},
    Row{Operation::deactivate, "8     8     8     x     x     x    =     x    x   8     x     8"},
    Row{Operation::detach, "gone  x     gone  gone  gone  x    gone  x    x   gone  gone  gone"},
    Row{Operation::dissolve, "gone  x     gone  gone  gone  x    gone  x    x   gone  gone  gone"},
    Row{Operation::fracture, "x     x     6     x     =     x    x     x    x   x     x     6"},
    Row{Operation::resync_replica, "x     =     4     4     4     x    x     x    x   x     4     4"},
    Row{Operation::restore_from_replica, "x     x     4     x     4     x    x     x    x   x     x     4"},
    Row{Operation::return_to_resource_pool,
        "gone  gone  gone  gone  gone  x    gone  x    x   gone  gone  gone"},
    Row{Operation::unprepare, "11    11    11    11    11    x    11    x    x   =     11    11"},
    Row{Operation::prepare, "11    11    11    11    11    x    11    x    x   =     11    11"},
};

constexpr std::array clone_rows = {
    //                        Ini   Uns   Syn   Bro   Fra   Spl  Ina   Sus   FO  Pre   Abo   Ske
    Row{Operation::abort, "12    12    x     x     x     x    x     12    x   12    =     x"},
    Row{Operation::activate, "3>4   =     =     x     x     x    3>4   x     x   3>4   x     x"},
    Row{Operation::deactivate, "8     8     8     x     x     x    =     8     x   8     x     x"},
    Row{Operation::detach, "gone  Fgone gone  Fgone gone  gone gone  Fgone x   gone  gone  gone"},
    Row{Operation::dissolve, "gone  Fgone gone  Fgone gone  gone gone  Fgone x   gone  gone  gone"},
    Row{Operation::fracture, "x     x     6     x     =     =    x     x     x   x     x     6"},
    Row{Operation::resync_replica, "x     =     3>4   3>4   3>4   3>4  x     x     x   x     3>4   3>4"},
    Row{Operation::restore_from_replica, "x     x     3>4   x     3>4   3>4  x     x     x   x     x     3>4"},
    Row{Operation::resume, "x     =     =     x     x     x    x     3>4   x   x     x     x"},
    Row{Operation::split, "x     x     7     x     =     =    x     x     x   x     x     x"},
    Row{Operation::suspend, "x     9     x     x     x     x    x     =     x   x     x     x"},
    Row{Operation::unprepare, "11    11    11    11    11    11   11    11    x   =     11    11"},
    Row{Operation::prepare, "11    11    11    11    11    11   11    11    x   =     11    11"},
};

// A token is for one copy: it runs, or it is given up.
constexpr std::array tokenized_clone_rows = {
    //                        Ini   Uns   Syn   Bro   Fra   Spl  Ina   Sus   FO  Pre   Abo   Ske
    Row{Operation::abort, "12    12    x     x     x     x    x     12    x   12    =     x"},
    Row{Operation::detach, "gone  Fgone gone  Fgone gone  gone gone  Fgone x   gone  gone  gone"},
};

constexpr std::size_t first_operation = 2;
constexpr std::size_t operation_count = 24;
using Table = std::array<std::array<Cell, columns>, operation_count>;

// A mistake in the table is a mistake at compile time: `throw` is not a constant expression.
consteval Cell parse(std::string_view text) {
  Cell out;
  if (text == "x") return out;
  if (text == "=") return {Cell::Kind::no_op};
  if (text == "-") return {Cell::Kind::not_offered};
  if (text == "cfg") return {Cell::Kind::configures};
  if (text.front() == 'F') {
    out.force = true;
    text.remove_prefix(1);
  }
  if (text == "gone") {
    out.kind = Cell::Kind::gone;
    return out;
  }
  out.kind = Cell::Kind::leads;
  if (text.starts_with("3>")) {
    out.kind = Cell::Kind::copies;
    text.remove_prefix(2);
  }
  if (text.ends_with('r')) {
    out.reversed = true;
    text.remove_suffix(1);
  }
  int state = 0;
  for (char c : text) {
    if (c < '0' || c > '9') throw "a cell is not in the table's language";
    state = state * 10 + (c - '0');
  }
  if (state < 2 || state > 13) throw "a cell leads to no CopyState";
  out.to = static_cast<CopyState>(state);
  return out;
}

template <std::size_t n>
consteval Table parse(const std::array<Row, n>& rows) {
  Table table{};
  for (auto& row : table) row.fill(Cell{Cell::Kind::not_offered});
  for (const Row& row : rows) {
    auto words = words_of(row);
    for (std::size_t column = 0; column < columns; ++column) table[static_cast<std::size_t>(row.operation) - first_operation][column] = parse(words[column]);
  }
  return table;
}

constexpr Table mirror_table = parse(mirror_rows);
constexpr Table snapshot_table = parse(snapshot_rows);
constexpr Table clone_table = parse(clone_rows);
constexpr Table tokenized_clone_table = parse(tokenized_clone_rows);

const Table* table_of(SyncType type) noexcept {
  switch (type) {
    case SyncType::mirror: return &mirror_table;
    case SyncType::snapshot: return &snapshot_table;
    case SyncType::clone: return &clone_table;
    case SyncType::tokenized_clone: return &tokenized_clone_table;
  }
  return nullptr;
}

// "Resume is refused while the CopyState is Split (7)"
std::string refused(const std::string& what, CopyState state) { return what + " is refused while the CopyState is " + numbered(state); }

std::string legal_in(const std::vector<CopyState>& states) {
  std::string out;
  for (CopyState s : states) out += (out.empty() ? "; it is legal in " : ", ") + numbered(s);
  return out;
}

}  // namespace

Cell cell(SyncType type, Operation operation, CopyState state) noexcept {
  const Table* table = table_of(type);
  auto row = static_cast<std::size_t>(operation) - first_operation;
  if (table == nullptr || row >= operation_count) return {Cell::Kind::not_offered};
  if (state < first_column || state > last_column) return {};
  return (*table)[row][column_of(state)];
}

std::string text_of(const Cell& cell) {
  std::string out = cell.force ? "F " : "";
  switch (cell.kind) {
    case Cell::Kind::not_offered: return "1";
    case Cell::Kind::refused: return "x";
    case Cell::Kind::no_op: return "=";
    case Cell::Kind::configures: return "cfg";
    case Cell::Kind::gone: return out + "gone";
    case Cell::Kind::copies: out += "3>"; break;
    case Cell::Kind::leads: break;
  }
  out += std::to_string(static_cast<int>(cell.to));
  if (cell.reversed) out += 'r';
  return out;
}

Result<Cell> check(SyncType type, Operation operation, CopyState state, bool force) {
  Cell found = cell(type, operation, state);
  std::string what(name_of(operation));
  std::string instead = "; " + instead_of(operation, type, state);
  if (found.kind == Cell::Kind::not_offered)
    return fail(Code::unsupported, what + " is not offered for a " + std::string(name_of(type)) + instead);
  if (found.kind != Cell::Kind::refused && (!found.force || force)) return found;
  std::string legal = legal_in(states_allowing(type, operation, force));
  if (found.force) return fail(Code::busy, what + " needs force while the CopyState is " + numbered(state) + legal);
  return fail(Code::busy, refused(what, state) + legal + instead);
}

bool group_only(Operation operation) noexcept {
  return operation == Operation::activate_consistency || operation == Operation::deactivate_consistency ||
         operation == Operation::add_sync_pair || operation == Operation::remove_sync_pair;
}

Cell pair_cell(SyncType type, Operation operation, CopyState state) noexcept {
  if (group_only(operation)) return {Cell::Kind::not_offered};
  Cell found = cell(type, operation, state);
  bool acts = found.kind == Cell::Kind::leads || found.kind == Cell::Kind::copies ||
              found.kind == Cell::Kind::configures || found.kind == Cell::Kind::gone;
  bool leaves = found.kind == Cell::Kind::gone && type == SyncType::mirror;
  if (!acts || leaves) return found;
  return {};
}

Result<Cell> check_pair(SyncType type, Operation operation, CopyState state) {
  Cell found = pair_cell(type, operation, state);
  if (found.kind != Cell::Kind::refused && found.kind != Cell::Kind::not_offered) return found;
  std::string what(name_of(operation)), name(name_of(type));
  std::string instead = "; " + instead_of_pair(operation, type, state);
  if (cell(type, operation, state).kind == Cell::Kind::not_offered)
    return fail(Code::unsupported, what + " is not offered for a " + name + ", nor for one pair of it" + instead);
  if (group_only(operation))
    return fail(Code::unsupported, what + " is not offered for one pair of a " + name + ", it is an operation of groups; ask it of the group");
  std::vector<CopyState> legal;
  for (CopyState s : states_allowing(type, operation, true))
    if (pair_cell(type, operation, s).kind != Cell::Kind::refused) legal.push_back(s);
  std::string why = legal_in(legal);
  if (legal.empty()) {
    bool ordered = type == SyncType::mirror;
    why = ordered ? ": the pairs of a group keep one order of writes and act together" : ": the pairs of a " + name + " are of one instant and act together";
  }
  return fail(Code::busy, refused(what + " of one pair", state) + why + instead);
}

std::vector<Operation> operations_of(SyncType type) {
  std::vector<Operation> out;
  for (std::size_t i = 0; i < operation_count; ++i) {
    auto operation = static_cast<Operation>(i + first_operation);
    if (cell(type, operation, first_column).kind != Cell::Kind::not_offered) out.push_back(operation);
  }
  return out;
}

std::vector<CopyState> states_allowing(SyncType type, Operation operation, bool force) {
  std::vector<CopyState> out;
  for (auto s = static_cast<std::uint16_t>(first_column); s <= static_cast<std::uint16_t>(last_column); ++s) {
    Cell found = cell(type, operation, static_cast<CopyState>(s));
    bool acts = found.kind != Cell::Kind::refused && found.kind != Cell::Kind::no_op &&
                found.kind != Cell::Kind::not_offered;
    if (acts && (!found.force || force)) out.push_back(static_cast<CopyState>(s));
  }
  return out;
}

}  // namespace lockstep::replica
