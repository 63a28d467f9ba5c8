#include "store/rows.h"

#include <algorithm>

#include "store/leaf.h"
#include "store/varint.h"

namespace lockstep::store::rows {
namespace {

const char* const steps[] = {R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE catalog(kind INTEGER NOT NULL, id BLOB NOT NULL, row BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY(kind, id)) WITHOUT ROWID;
CREATE TABLE leaf(volume INTEGER NOT NULL, leaf INTEGER NOT NULL, epoch INTEGER NOT NULL, row BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE UNIQUE INDEX leaf_key ON leaf(volume, leaf, epoch);
CREATE TABLE written(volume INTEGER NOT NULL, epoch INTEGER NOT NULL, row BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE INDEX written_key ON written(volume, epoch);
CREATE TABLE delta(id INTEGER PRIMARY KEY, row BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE space_log(id INTEGER PRIMARY KEY, row BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE space_page(id INTEGER PRIMARY KEY, row BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE sweep(id INTEGER PRIMARY KEY, volume INTEGER NOT NULL, epoch INTEGER NOT NULL, cursor INTEGER NOT NULL);
CREATE TABLE change_map(id INTEGER PRIMARY KEY, follower BLOB NOT NULL, blocks INTEGER NOT NULL, dead INTEGER NOT NULL);
CREATE INDEX change_map_of ON change_map(follower, dead);
CREATE TABLE change_leaf(map INTEGER NOT NULL, volume INTEGER NOT NULL, leaf INTEGER NOT NULL, mask BLOB NOT NULL, sum INTEGER NOT NULL,
                         PRIMARY KEY(map, volume, leaf)) WITHOUT ROWID;
)sql"};

Epoch clamp(Epoch epoch) { return std::min(epoch, Epoch{~0ull >> 1}); }

Error wrong_sum(std::string where) {
  return {Code::corrupt, std::move(where) + ": the row does not match its checksum; restore it from a replica, or open the pool read-only and copy what can be read"};
}
std::string where_of(LeafId id, Epoch epoch) {
  return "table leaf, volume " + std::to_string(id.volume.value) + ", leaf " + std::to_string(id.leaf) + ", epoch " + std::to_string(epoch.value);
}

Result<Version> version_of(LeafId id, db::Statement& s, int epoch_column) {
  Version out;
  out.epoch = s.get<Epoch>(epoch_column);
  Span row = s.blob(epoch_column + 1);
  auto sum = s.get<Checksum>(epoch_column + 2);
  TRY_VOID(s.read_well());
  if (sum != seal('l', id.volume.value, id.leaf, out.epoch.value, row)) return fail(wrong_sum(where_of(id, out.epoch)));
  auto content = decode_leaf(row);
  if (!content) return fail(content.error().in(where_of(id, out.epoch)));
  out.content = *content;
  return out;
}

Result<std::vector<Version>> all_of(db::Statement s, LeafId id) {
  std::vector<Version> out;
  for (;;) {
    TRY(bool row, s.step());
    if (!row) return out;
    TRY(Version version, version_of(id, s, 0));
    out.push_back(std::move(version));
  }
}

}  // namespace

Checksum seal(char table, std::uint64_t a, std::uint64_t b, std::uint64_t c, Span row) {
  Buffer key;
  Writer w(key);
  w.u8(static_cast<std::uint8_t>(table));
  w.u64(a);
  w.u64(b);
  w.u64(c);
  Checksummer sum;
  sum.add(key);
  sum.add(row);
  return sum.value();
}

std::span<const char* const> schema() { return steps; }

Result<std::optional<std::int64_t>> number(db::Connection& c, std::string_view name) {
  TRY(auto s, c.prepare("SELECT value FROM meta WHERE name=?1"));
  TRY(bool row, s.with(name).step());
  if (!row) return std::nullopt;
  std::int64_t value = s.i64(0);
  TRY_VOID(s.read_well());
  return value;
}
Result<> set_number(db::Connection& c, std::string_view name, std::uint64_t value) {
  return c.run("INSERT INTO meta VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=?2", name, value);
}
Result<std::optional<Buffer>> blob(db::Connection& c, std::string_view name) {
  TRY(auto s, c.prepare("SELECT value FROM meta WHERE name=?1"));
  TRY(bool row, s.with(name).step());
  if (!row) return std::nullopt;
  auto value = s.get<Buffer>(0);
  TRY_VOID(s.read_well());
  return value;
}
Result<> set_blob(db::Connection& c, std::string_view name, Span value) {
  return c.run("INSERT INTO meta VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=?2", name, value);
}

Result<std::optional<Version>> leaf_at(db::Connection& c, LeafId id, Epoch upto) {
  TRY(auto s, c.prepare("SELECT epoch,row,sum FROM leaf WHERE volume=?1 AND leaf=?2 AND epoch<=?3 ORDER BY epoch DESC LIMIT 1"));
  TRY(bool row, s.with(id.volume, id.leaf, clamp(upto)).step());
  if (!row) return std::nullopt;
  TRY(Version version, version_of(id, s, 0));
  return version;
}

Result<std::vector<Version>> newest_two(db::Connection& c, LeafId id) {
  TRY(auto s, c.prepare("SELECT epoch,row,sum FROM leaf WHERE volume=?1 AND leaf=?2 ORDER BY epoch DESC LIMIT 2"));
  s.with(id.volume, id.leaf);
  TRY(auto out, all_of(std::move(s), id));
  std::reverse(out.begin(), out.end());
  return out;
}

Result<std::vector<Version>> newest_two_epochs(db::Connection& c, LeafId id) {
  TRY(auto s, c.prepare("SELECT epoch FROM leaf WHERE volume=?1 AND leaf=?2 ORDER BY epoch DESC LIMIT 2"));
  s.with(id.volume, id.leaf);
  std::vector<Version> out;
  for (;;) {
    TRY(bool row, s.step());
    if (!row) break;
    out.push_back({s.get<Epoch>(0), {}});
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Result<std::vector<Version>> versions(db::Connection& c, LeafId id) {
  TRY(auto s, c.prepare("SELECT epoch,row,sum FROM leaf WHERE volume=?1 AND leaf=?2 ORDER BY epoch"));
  s.with(id.volume, id.leaf);
  return all_of(std::move(s), id);
}

Result<> write(db::Connection& c, LeafId id, const VersionChange& change) {
  std::size_t reused = 0;   // a row that goes makes place for one that comes: the row keeps its page
  for (const Version& version : change.put) {
    Buffer row = encode_leaf(version.content);
    Checksum sum = seal('l', id.volume.value, id.leaf, version.epoch.value, row);
    TRY(auto update, c.prepare("UPDATE leaf SET epoch=?4,row=?5,sum=?6 WHERE volume=?1 AND leaf=?2 AND epoch=?3"));
    TRY_VOID(update.with(id.volume, id.leaf, version.epoch, version.epoch, row, sum).run());
    if (c.rows_changed() != 0) continue;
    if (reused < change.removed.size()) {
      TRY_VOID(update.with(id.volume, id.leaf, change.removed[reused++], version.epoch, row, sum).run());
      if (c.rows_changed() != 0) continue;
    }
    TRY_VOID(c.run("INSERT INTO leaf(volume,leaf,epoch,row,sum) VALUES(?1,?2,?3,?4,?5)", id.volume, id.leaf, version.epoch, row, sum));
  }
  for (; reused < change.removed.size(); ++reused)
    TRY_VOID(c.run("DELETE FROM leaf WHERE volume=?1 AND leaf=?2 AND epoch=?3", id.volume, id.leaf, change.removed[reused]));
  return {};
}

Result<> drop_unread(db::Connection& c, LeafId id) { return c.run("DELETE FROM leaf WHERE volume=?1 AND leaf=?2", id.volume, id.leaf); }

Result<std::vector<std::uint64_t>> leaves_from(db::Connection& c, VolumeId volume, std::uint64_t from, std::size_t most) {
  TRY(auto s, c.prepare("SELECT DISTINCT leaf FROM leaf WHERE volume=?1 AND leaf>=?2 ORDER BY leaf LIMIT ?3"));
  s.with(volume, from, most);
  std::vector<std::uint64_t> out;
  for (;;) {
    TRY(bool row, s.step());
    if (!row) return out;
    out.push_back(s.get<std::uint64_t>(0));
  }
}

Result<> add_written(db::Connection& c, VolumeId volume, Epoch epoch, const std::vector<std::uint64_t>& leaves) {
  Buffer row;
  Writer w(row);
  std::uint64_t at = 0;
  for (std::uint64_t leaf : leaves) {
    put_varint(w, leaf - at);
    at = leaf;
  }
  return c.run("INSERT INTO written(volume,epoch,row,sum) VALUES(?1,?2,?3,?4)", volume, epoch, row, seal('w', volume.value, epoch.value, 0, row));
}

Result<std::vector<std::uint64_t>> written(db::Connection& c, VolumeId volume, Epoch after, Epoch upto, std::uint64_t from, std::size_t most) {
  TRY(auto s, c.prepare("SELECT epoch,row,sum FROM written WHERE volume=?1 AND epoch>?2 AND epoch<=?3"));
  s.with(volume, clamp(after), clamp(upto));
  std::vector<std::uint64_t> out;
  auto tidy = [&] {
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    if (out.size() > most) out.resize(most);
  };
  for (;;) {
    TRY(bool more, s.step());
    if (!more) break;
    auto epoch = s.get<Epoch>(0);
    Span row = s.blob(1);
    auto sum = s.get<Checksum>(2);
    TRY_VOID(s.read_well());
    std::string where = "table written, volume " + std::to_string(volume.value) + ", epoch " + std::to_string(epoch.value);
    if (sum != seal('w', volume.value, epoch.value, 0, row)) return fail(wrong_sum(where));
    Reader r(row);
    for (std::uint64_t at = 0, gap = 0; r.left() != 0;) {
      if (!get_varint(r, gap)) return fail(Error{Code::corrupt, "a list that cannot be read"}.in(where));
      at += gap;
      if (at >= from) out.push_back(at);
    }
    if (out.size() > 4 * most + 65536) tidy();
  }
  tidy();
  return out;
}

Result<> drop_written(db::Connection& c, VolumeId volume, Epoch upto) {
  return c.run("DELETE FROM written WHERE volume=?1 AND epoch<=?2", volume, clamp(upto));
}

Result<> add_sweep(db::Connection& c, VolumeId volume, Epoch epoch) {
  return c.run("INSERT INTO sweep(volume,epoch,cursor) VALUES(?1,?2,0)", volume, epoch);
}
Result<std::optional<Sweep>> first_sweep(db::Connection& c) {
  TRY(auto s, c.prepare("SELECT id,volume,epoch,cursor FROM sweep ORDER BY id LIMIT 1"));
  TRY(bool row, s.step());
  if (!row) return std::nullopt;
  Sweep out;
  out.id = s.get<std::uint64_t>(0);
  out.volume = s.get<VolumeId>(1);
  out.epoch = s.get<Epoch>(2);
  out.cursor = s.get<std::uint64_t>(3);
  TRY_VOID(s.read_well());
  return out;
}
Result<> set_cursor(db::Connection& c, std::uint64_t id, std::uint64_t cursor) {
  return c.run("UPDATE sweep SET cursor=?2 WHERE id=?1", id, cursor);
}
Result<bool> has_sweep(db::Connection& c, VolumeId volume) {
  TRY(auto s, c.prepare("SELECT 1 FROM sweep WHERE volume=?1 LIMIT 1"));
  return s.with(volume).step();
}
Result<> drop_sweep(db::Connection& c, std::uint64_t id) { return c.run("DELETE FROM sweep WHERE id=?1", id); }

}  // namespace lockstep::store::rows
