#include "store/catalog.h"

#include <algorithm>
#include <type_traits>

namespace lockstep::store {
namespace {

// The numbers of docs/formats/catalog.md; never given another meaning.
constexpr std::uint8_t format = 1;
enum class Kind : std::uint8_t {
  volume = 1,
  group = 2,
  snapshot = 3,
  follower = 4,
  volume_removed = 5,
  group_removed = 6,
  snapshot_removed = 7,
  follower_removed = 8,
};
constexpr std::size_t name_most = 4096;      // bytes of any text
constexpr std::uint32_t list_most = 65536;   // items of any list
constexpr std::uint64_t window_us_most = 100ULL * 365 * 86400 * 1'000'000;   // a century

void put_volume_ids(Writer& w, const std::vector<VolumeId>& ids) {
  w.u32(static_cast<std::uint32_t>(ids.size()));
  for (VolumeId id : ids) w.number(id);
}

Kind put(Writer& w, const VolumeRow& row) {
  w.number(row.id);
  w.id(row.uuid);
  w.text(row.name);
  w.number(row.size);
  w.number(row.origin);
  w.number(row.origin_epoch);
  w.number(row.born);
  w.u8(static_cast<std::uint8_t>((row.hidden ? 1 : 0) | (row.read_only ? 2 : 0) | (row.filling ? 4 : 0)));
  w.u64(static_cast<std::uint64_t>(row.created.us));
  return Kind::volume;
}

Kind put(Writer& w, const GroupRow& row) {
  w.id(row.id);
  w.text(row.name);
  put_volume_ids(w, row.members);
  w.u8(static_cast<std::uint8_t>(row.role));
  w.u32(static_cast<std::uint32_t>(row.history.size()));
  for (const HistoryEntry& entry : row.history) {
    w.id(entry.generation);
    w.origin(entry.parent);
  }
  w.origin(row.position);
  w.u8(static_cast<std::uint8_t>((row.was_synchronized ? 1 : 0) | (row.resync ? 2 : 0)));
  w.id(row.following);
  if (row.resync) {
    w.id(row.resync->relationship);
    w.id(row.resync->stand_in);
    w.u32(row.resync->pass);
    w.origin(row.resync->source_position);
  }
  w.u64(static_cast<std::uint64_t>(row.created.us));
  return Kind::group;
}

Kind put(Writer& w, const SnapshotRow& row) {
  w.id(row.id);
  w.text(row.name);
  w.id(row.group);
  put_volume_ids(w, row.volumes);
  w.number(row.epoch);
  w.number(row.lsn);
  w.origin(row.origin);
  w.u64(static_cast<std::uint64_t>(row.time.us));
  w.u8(static_cast<std::uint8_t>((row.internal ? 1 : 0) | (row.hidden ? 2 : 0) | (row.as_of.us != 0 ? 4 : 0)));
  w.text(row.purpose);
  if (row.as_of.us != 0) w.u64(static_cast<std::uint64_t>(row.as_of.us));
  return Kind::snapshot;
}

Kind put(Writer& w, const FollowerRow& row) {
  w.id(row.id);
  w.id(row.group);
  w.number(row.durable);
  w.u8(static_cast<std::uint8_t>((row.mapped ? 1 : 0) | (row.window.count() != 0 ? 2 : 0)));
  w.number(row.mapped_upto);
  w.number(row.journal_budget);
  w.origin(row.since);
  if (row.window.count() != 0) w.u64(static_cast<std::uint64_t>(row.window.count() / 1000));
  return Kind::follower;
}

Kind put(Writer& w, const Removed<VolumeId>& row) { return w.number(row.key), Kind::volume_removed; }
Kind put(Writer& w, const Removed<GroupId>& row) { return w.id(row.key), Kind::group_removed; }
Kind put(Writer& w, const Removed<SnapshotId>& row) { return w.id(row.key), Kind::snapshot_removed; }
Kind put(Writer& w, const Removed<RelationshipId>& row) { return w.id(row.key), Kind::follower_removed; }

// Flags beyond those known are refused: a newer release meant something by them.
bool get_flags(Reader& r, std::uint8_t known, std::uint8_t& flags) {
  flags = r.u8();
  return (flags & ~known) == 0;
}

WallTime get_time(Reader& r) { return WallTime{static_cast<std::int64_t>(r.u64())}; }

// A list's length is believed only as far as the bytes that are left can hold it.
bool get_count(Reader& r, std::size_t item_size, std::uint32_t& count) {
  count = r.u32();
  return r.ok() && count <= list_most && count * item_size <= r.left();
}

bool get_volume_ids(Reader& r, std::vector<VolumeId>& ids) {
  std::uint32_t count = 0;
  if (!get_count(r, 8, count)) return false;
  ids.resize(count);
  for (VolumeId& id : ids) id = r.number<VolumeId>();
  return true;
}

bool get(Reader& r, VolumeRow& row) {
  std::uint8_t flags = 0;
  row.id = r.number<VolumeId>();
  row.uuid = r.id<VolumeUuid>();
  row.name = r.text(name_most);
  row.size = r.number<Bytes>();
  row.origin = r.number<VolumeId>();
  row.origin_epoch = r.number<Epoch>();
  row.born = r.number<Epoch>();
  if (!get_flags(r, 7, flags)) return false;
  row.hidden = flags & 1;
  row.read_only = flags & 2;
  row.filling = flags & 4;
  row.created = get_time(r);
  return row.id.value != 0 && row.size.value % sector_size == 0;
}

bool get(Reader& r, GroupRow& row) {
  std::uint8_t flags = 0;
  row.id = r.id<GroupId>();
  row.name = r.text(name_most);
  if (!get_volume_ids(r, row.members)) return false;
  std::uint8_t role = r.u8();
  if (role > static_cast<std::uint8_t>(Role::target_writable)) return false;
  row.role = static_cast<Role>(role);
  std::uint32_t history = 0;
  if (!get_count(r, 40, history)) return false;
  row.history.resize(history);
  for (HistoryEntry& entry : row.history) {
    entry.generation = r.id<Generation>();
    entry.parent = r.origin();
  }
  row.position = r.origin();
  if (!get_flags(r, 3, flags)) return false;
  row.was_synchronized = flags & 1;
  row.following = r.id<RelationshipId>();
  if (flags & 2) {
    ResyncBracket resync;
    resync.relationship = r.id<RelationshipId>();
    resync.stand_in = r.id<SnapshotId>();
    resync.pass = r.u32();
    resync.source_position = r.origin();
    row.resync = resync;
  }
  row.created = get_time(r);
  return true;
}

bool get(Reader& r, SnapshotRow& row) {
  std::uint8_t flags = 0;
  row.id = r.id<SnapshotId>();
  row.name = r.text(name_most);
  row.group = r.id<GroupId>();
  if (!get_volume_ids(r, row.volumes)) return false;
  row.epoch = r.number<Epoch>();
  row.lsn = r.number<Lsn>();
  row.origin = r.origin();
  row.time = get_time(r);
  if (!get_flags(r, 7, flags)) return false;
  row.internal = flags & 1;
  row.hidden = flags & 2;
  row.purpose = r.text(name_most);
  if (flags & 4) row.as_of = get_time(r);
  return (flags & 4) == 0 || row.as_of.us != 0;
}

bool get(Reader& r, FollowerRow& row) {
  std::uint8_t flags = 0;
  row.id = r.id<RelationshipId>();
  row.group = r.id<GroupId>();
  row.durable = r.number<Lsn>();
  if (!get_flags(r, 3, flags)) return false;
  row.mapped = flags & 1;
  row.mapped_upto = r.number<Lsn>();
  row.journal_budget = r.number<Bytes>();
  row.since = r.origin();
  if ((flags & 2) == 0) return true;
  std::uint64_t window_us = r.u64();
  row.window = std::chrono::microseconds(window_us);
  return window_us != 0 && window_us <= window_us_most && !row.mapped;
}

bool get(Reader& r, Removed<VolumeId>& row) { return row.key = r.number<VolumeId>(), true; }
template <class Id>
bool get(Reader& r, Removed<Id>& row) { return row.key = r.template id<Id>(), true; }

template <class Row>
bool take(Reader& r, std::vector<CatalogChange>& into) {
  Row row;
  if (!get(r, row) || !r.ok() || r.left() != 0) return false;
  into.emplace_back(std::move(row));
  return true;
}

bool take_one(Kind kind, Reader r, std::vector<CatalogChange>& into) {
  switch (kind) {
    case Kind::volume: return take<VolumeRow>(r, into);
    case Kind::group: return take<GroupRow>(r, into);
    case Kind::snapshot: return take<SnapshotRow>(r, into);
    case Kind::follower: return take<FollowerRow>(r, into);
    case Kind::volume_removed: return take<Removed<VolumeId>>(r, into);
    case Kind::group_removed: return take<Removed<GroupId>>(r, into);
    case Kind::snapshot_removed: return take<Removed<SnapshotId>>(r, into);
    case Kind::follower_removed: return take<Removed<RelationshipId>>(r, into);
  }
  return false;
}

// What one change does to a catalogue.
struct Apply {
  Catalog& to;
  void operator()(const VolumeRow& row) {
    to.volumes.insert_or_assign(row.id, row);
    to.next_volume = std::max(to.next_volume, VolumeId{row.id.value + 1});
    to.epoch = std::max(to.epoch, row.born);
  }
  void operator()(const GroupRow& row) { to.groups.insert_or_assign(row.id, row); }
  void operator()(const SnapshotRow& row) {
    to.snapshots.insert_or_assign(row.id, row);
    to.epoch = std::max(to.epoch, Epoch{row.epoch.value + 1});
  }
  void operator()(const FollowerRow& row) { to.followers.insert_or_assign(row.id, row); }
  void operator()(const Removed<VolumeId>& row) { to.volumes.erase(row.key); }
  void operator()(const Removed<GroupId>& row) { to.groups.erase(row.key); }
  void operator()(const Removed<SnapshotId>& row) { to.snapshots.erase(row.key); }
  void operator()(const Removed<RelationshipId>& row) { to.followers.erase(row.key); }
};

}  // namespace

void Catalog::apply(const CatalogChange& change) { std::visit(Apply{*this}, change); }

Buffer encode(std::span<const CatalogChange> changes) {
  Buffer out;
  Writer w(out);
  w.u8(format);
  w.u32(static_cast<std::uint32_t>(changes.size()));
  for (const CatalogChange& change : changes) {
    std::size_t at = out.size();
    w.zeroes(5);   // kind and length, known afterwards
    Kind kind = std::visit([&](const auto& row) { return put(w, row); }, change);
    out[at] = static_cast<std::byte>(kind);
    store_le(out.data() + at + 1, static_cast<std::uint32_t>(out.size() - at - 5));
  }
  return out;
}

Result<std::vector<CatalogChange>> decode(Span bytes) {
  auto bad = [](std::string what) { return fail(Code::corrupt, "catalogue change: " + std::move(what)); };
  Reader r(bytes);
  if (std::uint8_t version = r.u8(); !r.ok() || version != format)
    return bad("format " + std::to_string(version) + " is not known to this release (it knows " + std::to_string(format) + ")");
  std::uint32_t count = 0;
  if (!get_count(r, 5, count)) return bad("a count that its bytes cannot hold");
  std::vector<CatalogChange> changes;
  changes.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto kind = static_cast<Kind>(r.u8());
    std::uint32_t length = r.u32();
    Span row = r.raw(length);
    if (!r.ok()) return bad("row " + std::to_string(i) + " is cut short");
    if (!take_one(kind, Reader(row), changes))
      return bad("row " + std::to_string(i) + " of kind " + std::to_string(static_cast<int>(kind)) + " cannot be read");
  }
  if (r.left() != 0) return bad("bytes after the last row");
  return changes;
}

}  // namespace lockstep::store
