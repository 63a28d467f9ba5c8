// What a peer sends, written here: records keep their origins; a unit is appended in one go.
#include <algorithm>
#include <deque>
#include <utility>

#include "pool/native/shipping.h"

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;

Result<> Shipping::may_apply(const GroupState& group) const {
  TRY_VOID(core_.writable());
  if (!group.row) return fail(Code::not_found, "pool '" + core_.name + "': the group is gone");
  if (group.row->role != store::Role::target)
    return fail(Code::denied, "pool '" + core_.name + "', group '" + group.row->name + "' is not a replication target: it takes no records from elsewhere");
  return {};
}

Result<> Shipping::check(const GroupState& group, const Record& record) const {
  const std::string who = "pool '" + core_.name + "', group '" + group.row->name + "', record " + text_of(record.origin);
  if (record.origin.lsn.value == 0) return fail(Code::invalid, who + ": it says not where it was first written");
  if (record.kind == Kind::position) return {};
  if (record.kind == Kind::catalog) return check_rows(group, record);
  if (record.kind != Kind::write && record.kind != Kind::zero) return fail(Code::invalid, who + ": records of this kind are not taken from elsewhere");
  const auto& members = group.row->members;
  VolumeState* volume = core_.find(record.volume);
  if (!volume || std::find(members.begin(), members.end(), record.volume) == members.end())
    return fail(Code::invalid, who + ": volume " + std::to_string(record.volume.value) + " is not a member");
  std::uint64_t end = blocks_in(volume->row->size);
  if (record.count == 0 || record.block.value > end || record.count > end - record.block.value)
    return fail(Code::out_of_range, who + ": past the end of volume '" + volume->row->name + "'");
  if (record.kind == Kind::zero) return {};
  if (record.data.size() != record.count * block_size || record.checksums.size() != record.count * 8)
    return fail(Code::invalid, who + ": its parts do not fit together");
  for (std::size_t i = 0; i < record.count; ++i)
    if (checksum_of(record.data.subspan(i * block_size, block_size)) != record.checksum(i))
      return fail(Code::corrupt, who + ": block " + std::to_string(record.block.value + i) + " does not match its checksum");
  return {};
}

// Rows of the group itself and of its volumes, in this pool's ids.
Result<> Shipping::check_rows(const GroupState& group, const Record& record) const {
  TRY(auto changes, store::decode(record.data));
  for (const auto& change : changes) {
    const auto* volume = std::get_if<store::VolumeRow>(&change);
    const auto* row = std::get_if<store::GroupRow>(&change);
    bool fine = false;
    if (volume) {
      VolumeState* known = core_.find(volume->id);
      fine = known && known->group == &group && volume->origin == known->row->origin && volume->size >= known->row->size && volume->born == known->row->born &&
             volume->filling == known->row->filling;
    } else if (row) {
      fine = row->id == group.id && row->role == group.row->role && std::all_of(row->members.begin(), row->members.end(), [&](VolumeId member) {
        VolumeState* known = core_.find(member);
        return known && !known->row->hidden && (!known->group || known->group == &group);
      });
    }
    if (!fine) return fail(Code::invalid, "pool '" + core_.name + "', group '" + group.row->name + "': a change of the catalogue that a peer may not make");
  }
  return {};
}

rt::Task<Result<Lsn>> Shipping::apply(GroupId group, std::vector<Record> records) {
  GroupState* state = core_.find(group);
  if (!state) co_return fail(Code::not_found, "pool '" + core_.name + "' has no group " + text_of(group));
  if (records.empty()) co_return state->last;
  co_await state->applying.take(1);
  auto done = co_await apply_in_turn(*state, std::move(records));
  state->applying.give(1);
  co_return done;
}

rt::Task<Result<Lsn>> Shipping::apply_in_turn(GroupState& group, std::vector<Record> records) {
  CO_TRY_VOID(may_apply(group));
  for (const Record& record : records) CO_TRY_VOID(check(group, record));
  Unit unit;
  if (auto prepared = co_await prepare(std::move(records), unit); !prepared) {
    give_up(unit);
    co_return fail(std::move(prepared).error());
  }
  // Time has passed: is it still a target, and are these still its volumes?
  Result<> still = may_apply(group);
  for (const Record& record : unit.records) {
    if (!still || record.kind == Kind::position || record.kind == Kind::catalog) continue;
    VolumeState* volume = core_.find(record.volume);
    if (!volume || volume->group != &group) still = fail(Code::changed, "pool '" + core_.name + "': the group's members changed");
  }
  if (!still) {
    give_up(unit);
    co_return fail(std::move(still).error());
  }
  co_return append(group, unit);
}

rt::Task<void> Shipping::place_one(Span data, std::optional<Result<Writer::Placed>>& placed) { placed.emplace(co_await access_.writer.place(data)); }

rt::Task<Result<>> Shipping::prepare(std::vector<Record> records, Unit& unit) {
  std::vector<std::size_t> big;
  std::uint64_t placed_blocks = 0;
  for (Record& record : records) {
    if (record.kind == Kind::write && record.data.size() >= direct_from) {
      big.push_back(unit.records.size());
      placed_blocks += record.count;
      unit.cost += Overlay::cost_of_direct(record.count);
    } else if (record.kind == Kind::write) {
      unit.blocks += record.count;
      unit.cost += Overlay::cost_of_data(record.count);
    } else {
      unit.cost += Overlay::cost_of_data(0);
    }
    unit.records.push_back(std::move(record));
  }
  const std::uint64_t blocks = std::exchange(unit.blocks, 0);
  CO_TRY_VOID(co_await access_.admission.reserve(blocks + placed_blocks));
  unit.blocks = blocks;

  // What goes to the data file first goes all at once.
  std::deque<std::optional<Result<Writer::Placed>>> results(big.size());
  rt::Scope together(core_.loop);
  for (std::size_t i = 0; i < big.size(); ++i) together.spawn(place_one(unit.records[big[i]].data, results[i]));
  co_await together.join();
  Result<> outcome;
  unit.placed.reserve(big.size());   // records point into them
  for (std::size_t i = 0; i < big.size(); ++i) {
    if (!*results[i]) {
      outcome = fail(results[i]->error());
      continue;
    }
    unit.placed.push_back(std::move(**results[i]));
    Record& record = unit.records[big[i]];
    record.kind = Kind::direct;
    record.places = unit.placed.back().places;
    record.data = {};   // the checksums stay the peer's: check() has compared them
  }
  CO_TRY_VOID(std::move(outcome));
  co_return co_await access_.admission.enter(unit.cost, Entrant::receiver);
}

void Shipping::give_up(Unit& unit) {
  for (const Writer::Placed& placed : unit.placed) access_.writer.forget(placed);
  if (unit.blocks > 0) core_.store->unreserve(unit.blocks);
}

Result<Lsn> Shipping::append(GroupState& group, Unit& unit) {
  // In a batch of its own, as far as one batch can hold it: then a torn one is dropped whole.
  if (unit.records.size() > 1) TRY_VOID(core_.journal->push());
  Lsn last;
  for (Record& record : unit.records) {
    record.group = group.id;
    record.lsn = Lsn{};
    if (record.kind == Kind::position || record.kind == Kind::catalog) {
      TRY(last, core_.append_foreign(record));
      continue;
    }
    TRY(last, core_.append_blocks(*core_.find(record.volume), record));
  }
  return last;
}

}  // namespace lockstep::pool::native
