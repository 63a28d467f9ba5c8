#include "replica/model/advice.h"

namespace lockstep::replica {
namespace {

bool legal(const Cell& cell) { return cell.kind != Cell::Kind::refused && cell.kind != Cell::Kind::not_offered; }
bool acts(const Cell& cell) { return legal(cell) && cell.kind != Cell::Kind::no_op && cell.kind != Cell::Kind::configures; }
bool moves(const Cell& cell) { return cell.kind == Cell::Kind::leads || cell.kind == Cell::Kind::copies; }

// The operations of a type whose cell in `state` passes `want`.
template <class Want>
std::vector<Operation> operations_that(SyncType type, CopyState state, Want want) {
  std::vector<Operation> out;
  for (Operation operation : operations_of(type))
    if (want(operation, cell(type, operation, state))) out.push_back(operation);
  return out;
}

template <class Word>
std::string joined(const std::vector<Word>& words, std::string_view last, std::string (*text)(Word)) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " " + std::string(last) + " " : ", ";
    out += text(words[i]);
  }
  return out;
}

std::string offers(SyncType type) {
  return "a " + std::string(name_of(type)) + " offers " + listed(operations_of(type), "and");
}

}  // namespace

std::string numbered(CopyState state) {
  return std::string(name_of(state)) + " (" + std::to_string(static_cast<int>(state)) + ")";
}

std::string listed(const std::vector<Operation>& operations, std::string_view last) {
  return joined<Operation>(operations, last, [](Operation o) { return std::string(name_of(o)); });
}

std::string listed(const std::vector<CopyState>& states, std::string_view last) { return joined<CopyState>(states, last, numbered); }

std::vector<Operation> operations_towards(SyncType type, CopyState from, CopyState to) {
  return operations_that(type, from, [&](Operation, const Cell& cell) { return moves(cell) && cell.to == to && !cell.reversed; });
}

std::string instead_of(Operation wanted, SyncType type, CopyState state) {
  if (cell(type, wanted, state).kind == Cell::Kind::not_offered) return offers(type);
  auto ways = operations_that(type, state, [&](Operation, const Cell& way) {
    Cell then = cell(type, wanted, way.to);
    return moves(way) && way.to != state && legal(then) && then.kind != Cell::Kind::no_op;
  });
  auto now = operations_that(type, state, [](Operation, const Cell& cell) { return acts(cell); });
  std::string out;
  if (!ways.empty()) out = "first " + listed(ways, "or") + ", then " + std::string(name_of(wanted));
  if (!now.empty()) out += (out.empty() ? "legal" : ". Legal") + (" from " + std::string(name_of(state))) + ": " + listed(now, "and");
  return out.empty() ? "wait until it has left " + std::string(name_of(state)) : out;
}

std::string instead_of_pair(Operation wanted, SyncType type, CopyState state) {
  if (cell(type, wanted, state).kind == Cell::Kind::not_offered) return "ask something else of the group: " + offers(type);
  auto leave = operations_that(type, state, [&](Operation o, const Cell&) { return pair_cell(type, o, state).kind == Cell::Kind::gone; });
  bool leaves = cell(type, wanted, first_column).kind == Cell::Kind::gone && type == SyncType::mirror;
  if (leaves) return leave.empty() ? "wait until it has left " + std::string(name_of(state)) : "it may leave by " + listed(leave, "or");
  bool out_of_it = type == SyncType::mirror;   // the only type that a pair can leave alone
  if (acts(cell(type, wanted, state)) || cell(type, wanted, state).kind == Cell::Kind::configures)
    return std::string("ask it of the group") + (out_of_it ? ", or take the pair out of it first (RemoveSyncPair)" : "");
  return "ask it of the group when that is " + listed(states_allowing(type, wanted, true), "or") +
         (out_of_it ? ", or of the pair by itself when it was taken out (RemoveSyncPair)" : "");
}

}  // namespace lockstep::replica
