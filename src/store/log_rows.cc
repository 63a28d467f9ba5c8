// The two logs, the space map's pages and the catalogue: rows with a number or a key and a checksum over both.
#include <algorithm>
#include <string>

#include "store/rows.h"

namespace lockstep::store::rows {
namespace {

struct Table {
  const char* name;
  char tag;
  const char* append;
  const char* read;
  const char* drop;
};
constexpr Table delta_table{"delta", 'd', "INSERT INTO delta VALUES(?1,?2,?3)", "SELECT id,row,sum FROM delta WHERE id>=?1 ORDER BY id LIMIT ?2",
                            "DELETE FROM delta WHERE id<=?1"};
constexpr Table space_table{"space_log", 's', "INSERT INTO space_log VALUES(?1,?2,?3)",
                            "SELECT id,row,sum FROM space_log WHERE id>=?1 ORDER BY id LIMIT ?2", "DELETE FROM space_log WHERE id<=?1"};
const Table& table_of(Log log) { return log == Log::delta ? delta_table : space_table; }

Result<std::vector<LogRow>> read_rows(db::Connection& c, const char* table, char tag, const char* sql, std::uint64_t from, std::size_t most) {
  TRY(auto s, c.prepare(sql));
  s.with(from, most);
  std::vector<LogRow> out;
  for (;;) {
    TRY(bool row, s.step());
    if (!row) return out;
    LogRow& one = out.emplace_back();
    one.id = s.get<std::uint64_t>(0);
    one.bytes = s.get<Buffer>(1);
    auto sum = s.get<Checksum>(2);
    TRY_VOID(s.read_well());
    if (sum != seal(tag, one.id, 0, 0, one.bytes))
      return fail(Code::corrupt, "table " + std::string(table) + ", row " + std::to_string(one.id) +
                                     ": the row does not match its checksum; restore the pool from a replica, or open it read-only");
  }
}

Span key_of(VolumeId id, Buffer& hold) {
  Writer(hold).number(id);
  return hold;
}
template <class Tag>
Span key_of(const Uuid<Tag>& id, Buffer&) { return id.bytes; }

struct Applier {
  db::Connection& c;
  const CatalogChange& change;

  template <class Id>
  Result<> put(int kind, const Id& id) {
    Buffer hold;
    Span key = key_of(id, hold);
    Buffer row = encode({&change, 1});
    Checksum sum = seal('c', static_cast<std::uint64_t>(kind), checksum_of(key).value, 0, row);
    return c.run("INSERT INTO catalog VALUES(?1,?2,?3,?4) ON CONFLICT(kind,id) DO UPDATE SET row=?3,sum=?4", kind, key, row, sum);
  }
  template <class Id>
  Result<> drop(int kind, const Id& id) {
    Buffer hold;
    return c.run("DELETE FROM catalog WHERE kind=?1 AND id=?2", kind, key_of(id, hold));
  }
  Result<> operator()(const VolumeRow& row) { return put(1, row.id); }
  Result<> operator()(const GroupRow& row) { return put(2, row.id); }
  Result<> operator()(const SnapshotRow& row) { return put(3, row.id); }
  Result<> operator()(const FollowerRow& row) { return put(4, row.id); }
  Result<> operator()(const Removed<VolumeId>& row) { return drop(1, row.key); }
  Result<> operator()(const Removed<GroupId>& row) { return drop(2, row.key); }
  Result<> operator()(const Removed<SnapshotId>& row) { return drop(3, row.key); }
  Result<> operator()(const Removed<RelationshipId>& row) { return drop(4, row.key); }
};

}  // namespace

Result<> append(db::Connection& c, Log log, std::uint64_t id, Span bytes) {
  const Table& table = table_of(log);
  return c.run(table.append, id, bytes, seal(table.tag, id, 0, 0, bytes));
}
Result<std::vector<LogRow>> read(db::Connection& c, Log log, std::uint64_t from, std::size_t most) {
  const Table& table = table_of(log);
  return read_rows(c, table.name, table.tag, table.read, from, most);
}
Result<> drop_upto(db::Connection& c, Log log, std::uint64_t upto) { return c.run(table_of(log).drop, upto); }

Error bad_row(Log log, std::uint64_t id, const Error& why) {
  return why.in("table " + std::string(table_of(log).name) + ", row " + std::to_string(id));
}

Result<std::vector<LogRow>> pages(db::Connection& c, std::uint64_t from, std::size_t most) {
  TRY(auto rows, read_rows(c, "space_page", 'p', "SELECT id,row,sum FROM space_page WHERE id>=?1 ORDER BY id LIMIT ?2", from, most));
  for (const LogRow& row : rows)
    if (row.bytes.size() != page_places / 8) return fail(Code::corrupt, "table space_page, row " + std::to_string(row.id) + ": not a page");
  return rows;
}
Result<Buffer> page(db::Connection& c, std::uint64_t number) {
  TRY(auto rows, pages(c, number, 1));
  if (rows.empty() || rows[0].id != number) return Buffer(page_places / 8);
  return std::move(rows[0].bytes);
}
Result<> set_page(db::Connection& c, std::uint64_t number, Span bits) {
  if (is_zero(bits)) return c.run("DELETE FROM space_page WHERE id=?1", number);
  return c.run("INSERT INTO space_page VALUES(?1,?2,?3) ON CONFLICT(id) DO UPDATE SET row=?2,sum=?3", number, bits, seal('p', number, 0, 0, bits));
}

Result<> apply(db::Connection& c, const CatalogChange& change) { return std::visit(Applier{c, change}, change); }

Result<Catalog> load_catalog(db::Connection& c) {
  Catalog catalog;
  TRY(auto s, c.prepare("SELECT kind,id,row,sum FROM catalog ORDER BY kind,id"));
  for (;;) {
    TRY(bool more, s.step());
    if (!more) return catalog;
    auto kind = s.get<std::uint64_t>(0);
    auto id = s.get<Buffer>(1);
    auto row = s.get<Buffer>(2);
    auto sum = s.get<Checksum>(3);
    TRY_VOID(s.read_well());
    std::string where = "table catalog, kind " + std::to_string(kind) + ", id " + hex_of(id);
    if (sum != seal('c', kind, checksum_of(id).value, 0, row))
      return fail(Code::corrupt, where + ": the row does not match its checksum; restore the pool from a replica, or open it read-only");
    auto changes = decode(row);
    if (!changes) return fail(changes.error().in(where));
    for (const CatalogChange& change : *changes) catalog.apply(change);
  }
}

}  // namespace lockstep::store::rows
