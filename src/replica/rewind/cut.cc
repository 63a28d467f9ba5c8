#include "replica/rewind/cut.h"

#include <algorithm>

#include "replica/group/ledger.h"

namespace lockstep::replica {
namespace {

bool serves(const store::GroupRow& group) {
  return group.role == store::Role::source || group.role == store::Role::target_writable;
}

std::string told(const store::GroupRow& group) { return "group '" + group.name + "'"; }

Error outside(const RecoveryPoints& points, const store::GroupRow& group, const std::string& asked) {
  if (!points.range) {
    std::string why = points.window.time == Duration{0}
                          ? " keeps no history; give it a rewind window (`lockstep group set NAME --rewind-window 1h`), or clone one of its snapshots"
                          : " has a rewind window that holds nothing yet";
    return Error{Code::out_of_range, told(group) + why};
  }
  const auto& range = *points.range;
  return Error{Code::out_of_range, asked + " is outside of what " + told(group) + " keeps: " + text_of(range.from) + " (" + text_of(range.first) + ") to " +
                                       text_of(range.to) + " (" + text_of(range.last) + ")"};
}

// Of "@1a2b3c4d:77" in the group's history; as many digits of the generation as tell it apart.
Result<Origin> resolve(const store::GroupRow& group, const std::string& text) {
  std::size_t colon = text.find(':');
  Origin out;
  bool digits = colon != text.npos && colon + 1 < text.size() && text.size() - colon <= 20 &&
                text.find_first_not_of("0123456789", colon + 1) == text.npos;
  if (!text.starts_with('@') || !digits || colon < 2)
    return fail(Code::invalid, "'" + text + "' is no position: write it as recovery points show it, like @1a2b3c4d:77");
  out.lsn = Lsn{std::stoull(text.substr(colon + 1))};
  std::string prefix = text.substr(1, colon - 1);
  int found = 0;
  for (const store::HistoryEntry& entry : group.history) {
    if (!text_of(entry.generation).starts_with(prefix)) continue;
    out.generation = entry.generation;
    ++found;
  }
  if (found == 1) return out;
  return fail(Code::out_of_range, told(group) + (found == 0 ? " has no stretch of history " : " has several stretches of history ") + prefix);
}

// What a record does to a rewind.
enum class Step { data, moves, nothing, other_members };

Step step_of(const journal::Record& record, const store::SnapshotRow& base) {
  if (is_data(record.kind))
    return std::find(base.volumes.begin(), base.volumes.end(), record.volume) != base.volumes.end() ? Step::data : Step::other_members;
  if (record.kind == journal::Kind::mark) return Step::nothing;
  if (record.kind != journal::Kind::catalog) return Step::moves;
  auto rows = store::decode(record.data);
  if (!rows) return Step::moves;
  for (const auto& change : *rows) {
    const auto* row = std::get_if<store::GroupRow>(&change);
    if (row != nullptr && row->id == base.group && row->members != base.volumes) return Step::other_members;
  }
  return Step::moves;
}

// Reads on from a base until the point is behind it.
class Search {
 public:
  Search(const store::GroupRow& group, store::SnapshotRow base, std::optional<WallTime> time, Lsn last) : name_(told(group)), time_(time), last_(last) {
    cut_.upto = base.lsn;
    cut_.position = base.origin;
    cut_.time = base.as_of;
    cut_.base = std::move(base);
  }
  // True: nothing after this record belongs to it.
  Result<bool> take(const journal::Record& record) {
    if (record.lsn > last_) return true;
    if ((record.flags & journal::flag_resync) != 0) {
      torn_ = true;
      pending_ += record.count * block_size;
      return false;
    }
    if (time_ && record.time > *time_) return true;
    Step step = step_of(record, cut_.base);
    if (step == Step::nothing) return false;
    if (step == Step::other_members)
      return fail(Code::out_of_range, name_ + " got other volumes at " + text_of(record.time) + ", and no snapshot since then is as old as the point asked for; choose a point before, or the next recovery point");
    torn_ = false;
    cut_.upto = record.lsn;
    cut_.position = record.origin;
    cut_.time = std::max(cut_.time, record.time);
    cut_.bytes += Bytes{pending_};
    pending_ = 0;
    if (step == Step::data) {
      if (record.kind != journal::Kind::zero) cut_.bytes += Bytes{record.count * block_size};
      ++cut_.records;
    }
    return false;
  }
  Result<Cut> done() {
    if (!torn_) return std::move(cut_);
    return fail(Code::out_of_range, name_ + " was being resynchronized at that time: between " + text_of(cut_.position) + " (" + text_of(cut_.time) + ") and the resync's end its source's states were never here");
  }

 private:
  std::string name_;
  std::optional<WallTime> time_;
  Lsn last_;
  Cut cut_;
  std::uint64_t pending_ = 0;
  bool torn_ = false;
};

rt::Task<Result<Cut>> read_on(pool::Pool& pool, GroupId group, Search search, Lsn after, Bytes piece) {
  const Lsn end = pool.status().received;   // what comes meanwhile is later than any point asked for
  for (bool ended = after >= end; !ended;) {
    CO_TRY(pool::Stream stream, co_await pool.stream(group, after, piece));
    for (const journal::Record& record : stream.records) {
      CO_TRY(ended, search.take(record));
      if (ended) break;
    }
    after = stream.upto;
    ended = ended || after >= end;
    co_await rt::yield(pool.loop());
  }
  co_return search.done();
}

}  // namespace

RelationshipId window_id(GroupId group) {
  std::array<std::byte, 16> none{};
  Buffer text = to_buffer(as_span(rewind_purpose));
  for (std::byte b : group.bytes) text.push_back(b);
  RelationshipId id;
  id.bytes = none;
  store_le(id.bytes.data(), checksum_of(text).value);
  text.push_back(std::byte{1});
  store_le(id.bytes.data() + 8, checksum_of(text).value);
  return id;
}

std::vector<store::SnapshotRow> window_snapshots(pool::Pool& pool, GroupId group) {
  std::vector<store::SnapshotRow> out;
  for (const auto& [id, row] : pool.catalog().snapshots)
    if (row.group == group && row.internal && !row.hidden && row.purpose == rewind_purpose) out.push_back(row);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.lsn < b.lsn; });
  return out;
}

std::vector<store::SnapshotRow> bases_of(pool::Pool& pool, GroupId group) {
  std::vector<store::SnapshotRow> out;
  const store::FollowerRow* claim = follower_row(pool, window_id(group));
  if (claim == nullptr) return out;
  for (const auto& [id, row] : pool.catalog().snapshots) {
    bool ours = row.purpose == rewind_purpose || !row.internal;
    if (row.group == group && !row.hidden && ours && row.lsn >= claim->durable) out.push_back(row);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.lsn < b.lsn; });
  return out;
}

Bytes cost_after(pool::Pool& pool, GroupId group, Lsn lsn) { return std::max(pool.journal_after(lsn), pool.written_after(group, lsn)); }

RecoveryPoints recovery_points(pool::Pool& pool, GroupId group) {
  RecoveryPoints out;
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) return out;
  if (const store::FollowerRow* claim = follower_row(pool, window_id(group))) out.window = {claim->window, claim->journal_budget};
  std::vector<store::SnapshotRow> bases = bases_of(pool, group);
  auto dated = std::find_if(bases.begin(), bases.end(), [](const store::SnapshotRow& base) { return base.as_of.us != 0; });
  if (dated != bases.end()) {
    const store::SnapshotRow& first = *dated;
    // What hosts have not written since, is so now too; what a source may have written since, nobody here can know.
    WallTime last = serves(*row) ? std::max(pool.loop().clock().wall(), pool.dated(group)) : pool.dated(group);
    out.range = {first.as_of, std::max(first.as_of, last), first.origin, pool.position(group)};
    out.held = cost_after(pool, group, first.lsn);
  }
  for (const auto& [id, snapshot] : pool.catalog().snapshots) {
    bool held = snapshot.internal;
    if (snapshot.group != group || snapshot.hidden || (held && snapshot.purpose != rewind_purpose)) continue;
    out.points.push_back({snapshot.as_of.us != 0 ? snapshot.as_of : snapshot.time, snapshot.origin, id, snapshot.name, held});
  }
  std::sort(out.points.begin(), out.points.end(), [&](const auto& a, const auto& b) { return pool.catalog().snapshots.at(a.snapshot).lsn < pool.catalog().snapshots.at(b.snapshot).lsn; });
  return out;
}

rt::Task<Result<Cut>> find_cut(pool::Pool& pool, GroupId group, RewindTo to, Bytes piece) {
  const store::GroupRow* found = group_row(pool, group);
  if (found == nullptr) co_return fail(Code::not_found, "the group is gone");
  const store::GroupRow row = *found;
  const RecoveryPoints points = recovery_points(pool, group);
  std::vector<store::SnapshotRow> bases = bases_of(pool, group);

  if (!to.position.empty()) {
    CO_TRY(Origin origin, resolve(row, to.position));
    for (const auto& [id, snapshot] : pool.catalog().snapshots) {
      bool usable = snapshot.group == group && !snapshot.hidden && (!snapshot.internal || snapshot.purpose == rewind_purpose);
      if (usable && snapshot.origin == origin) co_return Cut{snapshot, snapshot.lsn, snapshot.origin, snapshot.as_of, Bytes{}, 0};
    }
    CO_TRY(std::optional<Lsn> lsn, co_await pool.lsn_of(group, origin));
    std::erase_if(bases, [&](const store::SnapshotRow& base) { return !lsn || base.lsn > *lsn; });
    if (bases.empty()) co_return fail(outside(points, row, to.position));
    Search search(row, bases.back(), std::nullopt, *lsn);
    CO_TRY(Cut cut, co_await read_on(pool, group, std::move(search), bases.back().lsn, piece));
    if (cut.position != origin) co_return fail(outside(points, row, to.position));
    co_return cut;
  }

  if (to.latest && points.range) to.time = points.range->to;
  WallTime time = to.time.value_or(WallTime{});
  if (!points.range || time < points.range->from || time > points.range->to) co_return fail(outside(points, row, text_of(time)));
  std::erase_if(bases, [&](const store::SnapshotRow& base) { return base.as_of > time || base.as_of.us == 0; });
  if (bases.empty()) co_return fail(outside(points, row, text_of(time)));
  Search search(row, bases.back(), time, end_of_journal);
  co_return co_await read_on(pool, group, std::move(search), bases.back().lsn, piece);
}

}  // namespace lockstep::replica
