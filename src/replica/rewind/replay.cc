#include "replica/rewind/replay.h"

#include <algorithm>
#include <utility>

#include "replica/group/ledger.h"

namespace lockstep::replica {
namespace {

constexpr Duration step_for = std::chrono::milliseconds(20);

// What led to `position`, and nothing after it.
std::vector<store::HistoryEntry> history_until(const store::GroupRow& group, Origin position) {
  std::vector<store::HistoryEntry> out;
  for (const store::HistoryEntry& entry : group.history) {
    out.push_back(entry);
    if (entry.generation == position.generation) return out;
  }
  return {store::HistoryEntry{position.generation, Origin{}}};
}

}  // namespace

RelationshipId replaying_id() {
  RelationshipId id;
  store_le(id.bytes.data(), checksum_of(as_span("a rewind that has not come to its end")).value);
  return id;
}

std::vector<std::string> replay_names(pool::Pool& pool, const store::SnapshotRow& base, const std::string& name) {
  std::vector<std::string> out;
  for (VolumeId volume : base.volumes) {
    auto row = pool.catalog().volumes.find(volume);
    out.push_back(name + "-" + (row == pool.catalog().volumes.end() ? std::to_string(volume.value) : row->second.name));
  }
  return out;
}


Replay::Replay(pool::Pool& pool, GroupId group, Cut cut, std::string name, Bytes piece)
    : pool_(pool), group_(group), cut_(std::move(cut)), name_(std::move(name)), piece_(piece), at_(cut_.base.lsn) {}

rt::Task<Result<>> Replay::begin() {
  const store::GroupRow* from = group_row(pool_, group_);
  if (from == nullptr) co_return fail(Code::not_found, "the group is gone");
  store::GroupRow row;
  row.name = name_;
  row.role = store::Role::target;
  row.following = replaying_id();
  row.history = history_until(*from, cut_.position);
  row.position = cut_.base.origin;
  names_ = replay_names(pool_, cut_.base, name_);
  std::vector<std::string> names = names_;
  CO_TRY(made_, co_await pool_.clone_group(cut_.base.id, std::move(names), std::move(row)));
  members_ = group_row(pool_, made_)->members;
  co_return Result<>{};
}

rt::Task<Result<bool>> Replay::step() {
  const Instant until = pool_.loop().clock().now() + step_for;
  while (at_ < cut_.upto && pool_.loop().clock().now() < until) {
    CO_TRY(pool::Stream stream, co_await pool_.stream(group_, at_, piece_));
    if (stream.upto <= at_) co_return fail(Code::changed, "the journal ends before the point asked for");
    at_ = stream.upto;
    CO_TRY_VOID(co_await write(std::move(stream)));
    co_await rt::yield(pool_.loop());
  }
  co_return at_ < cut_.upto;
}

rt::Task<Result<>> Replay::write(pool::Stream stream) {
  std::vector<journal::Record> unit;
  Bytes size;   // of a unit: records that went past the journal take little room in it
  std::vector<Buffer> scratch(stream.records.size());
  for (std::size_t i = 0; i < stream.records.size(); ++i) {
    journal::Record& record = stream.records[i];
    if (record.lsn > cut_.upto) break;
    if (!is_data(record.kind)) continue;
    auto at = std::find(cut_.base.volumes.begin(), cut_.base.volumes.end(), record.volume);
    if (at == cut_.base.volumes.end()) co_return fail(Code::changed, "record " + std::to_string(record.lsn.value) + " is of a volume that the group did not have");
    CO_TRY(record.data, co_await pool_.data_of(record, scratch[i]));
    if (record.kind == journal::Kind::direct) record.kind = journal::Kind::write;
    record.places = {};
    record.volume = members_[static_cast<std::size_t>(at - cut_.base.volumes.begin())];
    if (record.kind == journal::Kind::write) {
      done_ += Bytes{record.count * block_size};
      size += Bytes{record.count * block_size};
    }
    unit.push_back(record);
    if (size < piece_) continue;
    CO_TRY(written_, co_await pool_.apply(made_, std::exchange(unit, {})));
    size = Bytes{};
  }
  if (unit.empty()) co_return Result<>{};
  CO_TRY(written_, co_await pool_.apply(made_, std::move(unit)));
  co_return Result<>{};
}

rt::Task<Result<Rewound>> Replay::finish() {
  const store::GroupRow* row = group_row(pool_, made_);
  if (row == nullptr) co_return fail(Code::not_found, "group '" + name_ + "' was deleted while it was being made");
  store::GroupRow open = *row;
  open.position = cut_.position;   // something that is no data may have moved it there
  CO_TRY_VOID(co_await pool_.change_group(open));
  CO_TRY_VOID(co_await pool_.commit(written_));
  // What hosts write from here on is another stretch of history.
  CO_TRY_VOID(co_await pool_.begin_generation(made_));
  row = group_row(pool_, made_);
  if (row == nullptr) co_return fail(Code::not_found, "group '" + name_ + "' was deleted while it was being made");
  open = *row;
  open.role = store::Role::source;
  open.following = RelationshipId{};
  CO_TRY_VOID(co_await pool_.change_group(open));
  co_return Rewound{name_, names_, cut_.position, cut_.time};
}

rt::Task<void> Replay::undo() {
  if (made_.is_none()) co_return;
  Result<> gone = co_await pool_.discard_group(made_);
  if (gone || gone.error().code != Code::not_found) co_return;   // in use: its keeper tries again
  for (VolumeId member : members_) ignore(co_await pool_.delete_volume(member), "somebody took the group apart already");
}

}  // namespace lockstep::replica
