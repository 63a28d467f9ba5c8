// Operations of single pairs. The target's end goes first where pairs leave, the source's where they come in: in between, and after a
// crash there, the ends know that their pairs differ and nothing flows; asked again, the operation is completed.
#include <algorithm>

#include "replica/model/states.h"
#include "replica/operations/busy.h"
#include "replica/operations/operations.h"

namespace lockstep::replica {
namespace {

bool has_all(const Relationship& relationship, const std::vector<VolumeUuid>& volumes) {
  return std::ranges::all_of(volumes, [&](VolumeUuid volume) { return std::ranges::any_of(relationship.pairs, [&](const auto& pair) { return pair.first == volume; }); });
}

bool agrees(CopyState state) { return state == CopyState::synchronized || state == CopyState::unsynchronized; }
bool to_flow(CopyState state) { return state == CopyState::initialized || state == CopyState::broken || agrees(state); }

}  // namespace

rt::Task<Result<std::vector<Operations::Parted>>> Operations::operate_pairs(EntryRef entry, Operation operation, std::vector<VolumeUuid> volumes, Watcher& watcher) {
  while (entry->settling) co_await roster_.moved().wait();
  if (entry->gone) co_return fail(Code::not_found, "relationship '" + entry->kept.name + "' has ended");
  std::string what = "relationship '" + entry->kept.name + "'";
  co_await roster_.refresh(entry);
  CopyState state = roster_.report_of(*entry).copy_state;
  bool of_pairs = operation == Operation::add_sync_pair || operation == Operation::remove_sync_pair;   // asked of the group, about pairs
  // While data flow, both ends have agreed on the pairs. Where they are to flow and do not, it may have broken off, and is completed.
  bool adds = operation == Operation::add_sync_pair && !is_point(entry->kept.sync_type);
  bool there = adds && has_all(entry->kept, volumes);
  if (there && agrees(state)) co_return std::vector<Parted>{};
  bool broke_off = adds && (there || entry->trouble) && to_flow(state);
  if (broke_off) state = CopyState::synchronized;
  Result<Cell> cell = of_pairs ? check(entry->kept.sync_type, operation, state, true) : check_pair(entry->kept.sync_type, operation, state);
  if (!cell) co_return fail(cell.error().in(what));
  if (cell->kind == Cell::Kind::no_op) co_return std::vector<Parted>{};
  if (entry->busy) co_return fail(Code::busy, what + ": " + std::string(name_of(entry->operation)) + " is running; wait for it to end");
  if (!here(*entry, End::source)) co_return fail(Code::busy, what + ": its pairs are changed on the system that has the source, '" + peers_.name_of(entry->kept.peer) + "'");
  if (operation != Operation::add_sync_pair) CO_TRY_VOID(steps_.stands_alone(*entry, End::source, RelationshipId{}));
  Busy busy(entry, operation, CopyState::not_applicable);
  roster_.tell(entry);
  if (operation == Operation::add_sync_pair) {
    Result<> in = co_await bring_in(entry, state, std::move(volumes), watcher);
    if (!in) co_return fail(in.error());
    co_return std::vector<Parted>{};
  }
  bool leaves = operation == Operation::remove_sync_pair || cell->kind == Cell::Kind::gone;
  if (!leaves) co_return fail(Code::unsupported, what + ": " + std::string(name_of(operation)) + " is no operation of pairs");
  Order::Pairs pairs;
  for (VolumeUuid volume : volumes) {
    auto pair = std::ranges::find(entry->kept.pairs, volume, [](const auto& p) { return p.first; });
    if (pair == entry->kept.pairs.end()) co_return fail(Code::not_found, what + " has no pair with volume " + text_of(volume));
    pairs.push_back(*pair);
  }
  if (pairs.size() >= entry->kept.pairs.size()) co_return fail(Code::busy, what + ": no pair would be left; detach the relationship instead");
  co_return co_await part(entry, std::move(pairs), operation == Operation::remove_sync_pair);
}

rt::Task<Result<std::vector<Operations::Parted>>> Operations::part(EntryRef entry, Order::Pairs pairs, bool keeps) {
  Order order;
  order.step = Step::leave;
  order.pairs = std::move(pairs);
  order.keeps = keeps;
  Order copy = order;
  Result<Outcome> target = co_await ask(entry, End::target, std::move(copy));
  if (!target) co_return fail(target.error());
  Result<Outcome> source = co_await ask(entry, End::source, std::move(order));
  if (!source) co_return fail(source.error());
  std::vector<Parted> out;
  for (std::size_t i = 0; keeps && i < source->groups.size() && i < target->groups.size(); ++i) out.push_back({source->groups[i], target->groups[i]});
  co_return out;
}

rt::Task<Result<>> Operations::bring_in(EntryRef entry, CopyState state, std::vector<VolumeUuid> volumes, Watcher& watcher) {
  std::string what = "relationship '" + entry->kept.name + "'";
  bool rests = state == CopyState::suspended && !has_all(entry->kept, volumes);
  if (rests) {   // up to the point where the pairs come in, and no further
    Result<> flows = co_await resume(entry, watcher);
    if (!flows) co_return flows;
  }
  Result<> done;
  for (VolumeUuid volume : volumes) {
    EntryRef other;
    for (const auto& [id, candidate] : roster_.all()) {
      bool has = std::ranges::any_of(candidate->kept.pairs, [&](const auto& pair) { return pair.first == volume; });
      bool source = candidate->kept.end == End::source || candidate->local(ground_.self.id);
      bool better = other == nullptr || other == entry;
      if (has && source && better && !is_point(candidate->kept.sync_type)) other = candidate;
    }
    if (other == nullptr) {
      done = fail(Code::not_found, what + ": no relationship has a pair with volume " + text_of(volume) + "; make one first (CreateReplica), and add its pair when it is Synchronized");
      break;
    }
    bool rest_too = state != CopyState::synchronized && !rests;
    done = co_await bring_in(entry, other, !rest_too);
    if (!done) break;
  }
  if (!rests) co_return done;
  Result<> rested = co_await rest_both(entry, CopyState::suspended);
  co_return done ? rested : done;
}

// A pair that is here already is one whose target did not join: that is what is left to do.
rt::Task<Result<>> Operations::bring_in(EntryRef entry, EntryRef other, bool flows) {
  std::string what = "relationship '" + entry->kept.name + "'";
  Order order;
  order.pairs = other->kept.pairs;
  order.with = other->kept.id;
  if (other == entry) {
    order.with = RelationshipId{};
  } else {
    if (other->busy) co_return fail(Code::busy, what + ": relationship '" + other->kept.name + "' of the pair is busy with " + std::string(name_of(other->operation)));
    Busy busy(other, Operation::add_sync_pair, CopyState::not_applicable);
    Order copy = order;
    copy.step = Step::admit;
    Result<Outcome> source = co_await ask(entry, End::source, std::move(copy));
    if (!source) co_return fail(source.error());
  }
  order.step = Step::join;
  Result<Outcome> target = co_await ask(entry, End::target, std::move(order));
  if (!target) co_return fail(target.error().in("the source has the new pair, its target not yet: add it again"));
  if (!flows) co_return Result<>{};
  Result<Outcome> flowing = co_await simple(entry, End::source, Step::flow);
  if (!flowing) co_return fail(flowing.error());
  co_return Result<>{};
}

}  // namespace lockstep::replica
