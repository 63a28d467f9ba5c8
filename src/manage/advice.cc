#include "manage/advice.h"

#include <vector>

namespace lockstep::manage {

namespace {

using replica::Cell;

std::string listed(const std::vector<replica::Operation>& operations, const char* last) {
  std::string out;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (i > 0) out += i + 1 == operations.size() ? std::string(" ") + last + " " : ", ";
    out += name_of(operations[i]);
  }
  return out;
}

// The operations of a type whose cell in `state` passes `want`.
template <class Want>
std::vector<replica::Operation> operations_that(replica::SyncType type, replica::CopyState state, Want want) {
  std::vector<replica::Operation> out;
  for (replica::Operation operation : replica::operations_of(type)) {
    Result<Cell> cell = replica::check(type, operation, state, true);
    if (cell && want(operation, *cell)) out.push_back(operation);
  }
  return out;
}

bool acts(const Cell& cell) { return cell.kind != Cell::Kind::no_op && cell.kind != Cell::Kind::configures; }
bool moves(const Cell& cell) { return cell.kind == Cell::Kind::leads || cell.kind == Cell::Kind::copies; }

}  // namespace

std::string instead_of(replica::Operation wanted, replica::SyncType type, replica::CopyState state) {
  if (replica::cell(type, wanted, state).kind == Cell::Kind::not_offered) {
    auto all = replica::operations_of(type);
    return "A " + std::string(name_of(type)) + " offers " + listed(all, "and") + ".";
  }
  auto ways = operations_that(type, state, [&](replica::Operation, const Cell& cell) {
    if (!moves(cell) || cell.to == state) return false;
    Result<Cell> then = replica::check(type, wanted, cell.to, true);
    return then && acts(*then);
  });
  auto legal = operations_that(type, state, [](replica::Operation, const Cell& cell) { return acts(cell); });
  std::string out;
  if (!ways.empty()) out = "First " + listed(ways, "or") + ", then " + std::string(name_of(wanted)) + ".";
  if (!legal.empty()) out += (out.empty() ? "" : " ") + std::string("Legal from ") + std::string(name_of(state)) + ": " + listed(legal, "and") + ".";
  if (out.empty()) out = "Wait until it has left " + std::string(name_of(state)) + ": `lockstep replica list` shows it.";
  return out;
}

std::string towards_synchronized(replica::SyncType type, replica::CopyState state, const std::string& name) {
  auto ways = operations_that(type, state, [](replica::Operation, const Cell& cell) { return moves(cell) && cell.to == replica::CopyState::synchronized && !cell.reversed; });
  if (!ways.empty() && state != replica::CopyState::unsynchronized) return listed(ways, "or") + " leads back to Synchronized; `lockstep replica show " + name + "` says more.";
  return "Wait until it is Synchronized: `lockstep replica watch " + name + "` shows how far it is.";
}

}  // namespace lockstep::manage
