#include "pool/native/filler.h"

#include <algorithm>
#include <deque>

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;

namespace {
constexpr std::uint64_t record_blocks_most = 8192;
}

Result<GroupState*> Filler::group_of(GroupId group) const {
  GroupState* state = core_.find(group);
  if (!state) return fail(Code::not_found, "pool '" + core_.name + "' has no group " + text_of(group));
  return state;
}

bool Filler::untouched(VolumeId volume) const {
  for (const VolumeLayer* layer : core_.find(volume)->layers->layers)
    if (layer->cells().size() > 0 || !layer->stretches().all().empty()) return false;
  return true;
}

rt::Task<Result<>> Filler::begin(GroupId group) {
  CO_TRY(GroupState * state, group_of(group));
  const std::vector<VolumeId> members = state->row->members;
  const Lsn as_of = core_.journal->appended();
  std::vector<store::CatalogChange> changes;
  for (VolumeId member : members) {
    store::VolumeRow row = core_.catalog.volumes.at(member);
    CO_TRY(auto found, co_await core_.store->extents(head_of(member), Block{0}, 2));
    bool empty = std::all_of(found.begin(), found.end(), [](const auto& e) { return e.kind == store::EntryKind::absent; });
    if (!empty || row.origin.value != 0)
      co_return fail(Code::busy, "volume '" + core_.name + "/" + row.name + "' holds something already: only a new volume is filled while it is used");
    row.filling = true;
    changes.push_back(std::move(row));
  }
  // Time has passed.
  CO_TRY(state, group_of(group));
  bool same = state->row->members == members && core_.overlay->dropped() <= as_of;
  for (VolumeId member : members) same = same && untouched(member);
  if (!same) co_return fail(Code::busy, "pool '" + core_.name + "', group '" + state->row->name + "' was written to: only new volumes are filled while they are used");
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), nullptr));
  co_return co_await core_.make_durable(lsn);
}

rt::Task<Result<>> Filler::end(GroupId group) {
  CO_TRY(GroupState * state, group_of(group));
  std::vector<store::CatalogChange> changes;
  for (VolumeId member : state->row->members) {
    store::VolumeRow row = core_.catalog.volumes.at(member);
    if (!row.filling) continue;
    row.filling = false;
    changes.push_back(std::move(row));
  }
  Lsn lsn = core_.journal->appended();
  if (!changes.empty()) {
    CO_TRY(lsn, core_.append_catalog(std::move(changes), nullptr));
  }
  co_return co_await core_.make_durable(lsn);
}

Result<> Filler::check(const GroupState& group, const Record& record) const {
  const std::string who = "pool '" + core_.name + "', group '" + group.row->name + "'";
  if (record.kind != Kind::write && record.kind != Kind::zero) return fail(Code::invalid, who + ": a group is filled with blocks and nothing else");
  if (record.count > record_blocks_most) return fail(Code::invalid, who + ": too many blocks in one record");
  TRY_VOID(shipping_.check(group, record));
  if (!core_.is_filling(record.volume)) return fail(Code::changed, who + ": it is whole: nothing more is filled in");
  return {};
}

rt::Task<Result<Lsn>> Filler::fill(GroupId group, std::vector<Record> records) {
  CO_TRY(GroupState * state, group_of(group));
  co_await state->applying.take(1);
  auto done = co_await fill_in_turn(group, std::move(records));
  state->applying.give(1);
  co_return done;
}

rt::Task<Result<Lsn>> Filler::fill_in_turn(GroupId group, std::vector<Record> records) {
  CO_TRY_VOID(core_.writable());
  CO_TRY(GroupState * state, group_of(group));
  for (const Record& record : records) CO_TRY_VOID(check(*state, record));
  Unit unit;
  unit.records = std::move(records);
  CO_TRY_VOID(co_await find_remote(unit));
  Result<> done = co_await prepare(unit);
  while (done) {
    done = core_.writable();
    if (!done) break;
    Result<GroupState*> still = group_of(group);
    if (!still) {
      done = fail(still.error());
      break;
    }
    if (!access_.admission.now(unit.cost)) {
      done = co_await access_.admission.enter(unit.cost, Entrant::receiver);
      if (!done) break;
      still = group_of(group);
      if (!still) {
        done = fail(still.error());
        break;
      }
    }
    // Looked at and appended with nothing in between.
    std::size_t at = 0;
    Result<bool> known = look_again(**still, unit, at);
    if (!known) {
      done = fail(known.error());
      break;
    }
    if (*known) {
      done = append(unit);
      break;
    }
    const Piece& piece = unit.pieces[at];
    const Record& record = unit.records[piece.record];
    std::vector<store::Entry> entries(piece.count);
    done = co_await core_.store->lookup(head_of(record.volume), record.block + Block{piece.first}, entries);
  }
  give_back(unit);
  if (!done) co_return fail(std::move(done).error());
  co_return core_.journal->appended();
}

// Pieces of the records that are worth a place: what is here already need not be written to the data file first.
rt::Task<Result<>> Filler::find_remote(Unit& unit) {
  for (std::size_t r = 0; r < unit.records.size(); ++r) {
    const Record& record = unit.records[r];
    std::vector<store::Entry> entries(record.count);
    CO_TRY_VOID(co_await core_.store->lookup(head_of(record.volume), record.block, entries));
    const std::vector<Level> levels = core_.levels_of(record.volume, epoch_of_head);
    bool open = false;
    for (std::uint64_t i = 0; i < record.count; ++i) {
      bool remote = entries[i].kind == store::EntryKind::absent && Reader::find(levels, record.block + Block{i}).kind == Hit::Kind::none;
      if (remote && !open) unit.pieces.push_back(Piece{.record = r, .first = i, .count = 0, .remote = {}, .placed = {}});
      if (remote) ++unit.pieces.back().count;
      open = remote;
    }
  }
  co_return Result<>{};
}

rt::Task<void> Filler::place_one(Span data, Piece& piece, Result<>& result) {
  auto placed = co_await access_.writer.place(data);
  if (placed) piece.placed.emplace(std::move(*placed));
  else result = fail(std::move(placed).error());
}

rt::Task<Result<>> Filler::prepare(Unit& unit) {
  std::uint64_t through_journal = 0, first = 0;
  auto goes_first = [&unit](const Piece& piece) { return unit.records[piece.record].kind == Kind::write && piece.count * block_size >= direct_from; };
  for (const Piece& piece : unit.pieces) {
    if (unit.records[piece.record].kind == Kind::zero) {
      unit.cost += Overlay::cost_of_data(0);
    } else if (goes_first(piece)) {
      unit.cost += Overlay::cost_of_direct(piece.count);
      first += piece.count;
    } else {
      unit.cost += Overlay::cost_of_data(piece.count);
      through_journal += piece.count;
    }
  }
  CO_TRY_VOID(co_await access_.admission.reserve(through_journal + first));
  unit.reserved = through_journal;
  std::deque<Result<>> results;
  rt::Scope together(core_.loop);
  for (Piece& piece : unit.pieces) {
    if (!goes_first(piece)) continue;
    results.emplace_back();
    together.spawn(place_one(unit.records[piece.record].data.subspan(piece.first * block_size, piece.count * block_size), piece, results.back()));
  }
  co_await together.join();
  for (Result<>& result : results) CO_TRY_VOID(std::move(result));
  co_return Result<>{};
}

Result<bool> Filler::look_again(const GroupState& group, Unit& unit, std::size_t& piece) {
  for (const Record& record : unit.records) {
    VolumeState* volume = core_.find(record.volume);
    if (!volume || volume->group != &group || !core_.is_filling(record.volume))
      return fail(Code::changed, "pool '" + core_.name + "', group '" + group.row->name + "': its members changed, or it became whole");
  }
  for (piece = 0; piece < unit.pieces.size(); ++piece) {
    Piece& p = unit.pieces[piece];
    const Record& record = unit.records[p.record];
    const Block block = record.block + Block{p.first};
    std::vector<store::Entry> entries(p.count);
    TRY(bool there, core_.store->try_lookup(head_of(record.volume), block, entries));
    if (!there) return false;
    const std::vector<Level> levels = core_.levels_of(record.volume, epoch_of_head);
    p.remote.assign(p.count, false);
    for (std::uint64_t i = 0; i < p.count; ++i)
      p.remote[i] = entries[i].kind == store::EntryKind::absent && Reader::find(levels, block + Block{i}).kind == Hit::Kind::none;
  }
  return true;
}

Result<> Filler::append(Unit& unit) {
  for (Piece& piece : unit.pieces) {
    for (std::uint64_t at = 0; at < piece.count;) {
      std::uint64_t end = at;
      while (end < piece.count && piece.remote[end]) ++end;
      if (end == at) {
        ++at;
        continue;
      }
      TRY_VOID(append_run(unit, piece, at, end - at));
      for (; at < end; ++at)
        if (piece.placed) store_le(piece.placed->places.data() + 8 * at, std::uint64_t{0});   // the journal's now
    }
  }
  return {};
}

// A record of this pool's own, as a repaired block is one: nothing has changed for whoever follows the group.
Result<> Filler::append_run(Unit& unit, const Piece& piece, std::uint64_t from, std::uint64_t count) {
  const Record& record = unit.records[piece.record];
  const std::uint64_t skip = piece.first + from;
  Record out;
  out.kind = record.kind;
  out.block = record.block + Block{skip};
  out.count = count;
  if (record.kind == Kind::write) {
    out.checksums = record.checksums.subspan(8 * skip, 8 * count);
    if (piece.placed) {
      out.kind = Kind::direct;
      out.places = std::span<const std::byte>(piece.placed->places).subspan(8 * from, 8 * count);
    } else {
      out.data = record.data.subspan(skip * block_size, count * block_size);
      unit.reserved -= count;
    }
  }
  TRY_VOID(core_.append_blocks(*core_.find(record.volume), out, true));
  return {};
}

// What was taken and is not needed after all.
void Filler::give_back(Unit& unit) {
  for (const Piece& piece : unit.pieces) {
    if (!piece.placed) continue;
    std::vector<store::Run> unused;
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      Place place{load_le<std::uint64_t>(piece.placed->places.data() + 8 * i)};
      if (place.value != 0) unused.push_back(store::Run{place, 1});
    }
    if (!unused.empty()) core_.store->release_unused(unused);
  }
  if (unit.reserved > 0) core_.store->unreserve(unit.reserved);
}

}  // namespace lockstep::pool::native
