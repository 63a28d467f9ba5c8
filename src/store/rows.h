// Rows: the store's tables and their checksums. Every function is a piece of a worker job; a transaction around several is the caller's.
// docs/formats/store.md.
#pragma once

#include <optional>
#include <vector>

#include "base/base.h"
#include "db/db.h"
#include "store/catalog.h"
#include "store/slot.h"
#include "store/space_log.h"
#include "store/versions.h"

namespace lockstep::store::rows {

[[nodiscard]] std::span<const char* const> schema();

// XXH3 over a table's letter, three numbers of the key, and the row: a row in the wrong place is as wrong as a damaged one.
[[nodiscard]] Checksum seal(char table, std::uint64_t a, std::uint64_t b, std::uint64_t c, Span row);

// One value each; `name` is ours.
Result<std::optional<std::int64_t>> number(db::Connection& c, std::string_view name);
Result<> set_number(db::Connection& c, std::string_view name, std::uint64_t value);
Result<std::optional<Buffer>> blob(db::Connection& c, std::string_view name);
Result<> set_blob(db::Connection& c, std::string_view name, Span value);

// Catalogue.
Result<> apply(db::Connection& c, const CatalogChange& change);
Result<Catalog> load_catalog(db::Connection& c);   // rows only

// Leaves. Epochs above 2^63-1 mean the head.
Result<std::optional<Version>> leaf_at(db::Connection& c, LeafId id, Epoch upto);
Result<std::vector<Version>> newest_two(db::Connection& c, LeafId id);   // ascending
Result<std::vector<Version>> newest_two_epochs(db::Connection& c, LeafId id);   // the same without looking at what they say
Result<std::vector<Version>> versions(db::Connection& c, LeafId id);     // ascending
Result<> write(db::Connection& c, LeafId id, const VersionChange& change);
Result<> drop_unread(db::Connection& c, LeafId id);   // all versions, whatever they say
// Leaf numbers that have rows, ascending, from `from` on.
Result<std::vector<std::uint64_t>> leaves_from(db::Connection& c, VolumeId volume, std::uint64_t from, std::size_t most);

// Which leaves got a new version in which epoch, where an older one could be looked at.
Result<> add_written(db::Connection& c, VolumeId volume, Epoch epoch, const std::vector<std::uint64_t>& leaves);   // sorted
// Sorted, once each: from `from` on, of epochs in (after, upto].
Result<std::vector<std::uint64_t>> written(db::Connection& c, VolumeId volume, Epoch after, Epoch upto, std::uint64_t from, std::size_t most);
Result<> drop_written(db::Connection& c, VolumeId volume, Epoch upto);

// The logs: rows in the order of their numbers.
struct LogRow {
  std::uint64_t id = 0;
  Buffer bytes;
};
enum class Log { delta, space };
Result<> append(db::Connection& c, Log log, std::uint64_t id, Span bytes);
Result<std::vector<LogRow>> read(db::Connection& c, Log log, std::uint64_t from, std::size_t most);
Result<> drop_upto(db::Connection& c, Log log, std::uint64_t upto);
[[nodiscard]] Error bad_row(Log log, std::uint64_t id, const Error& why);

// The space map's pages: 2 KiB of bits each; a page that is not there is all free.
Result<std::vector<LogRow>> pages(db::Connection& c, std::uint64_t from, std::size_t most);
Result<Buffer> page(db::Connection& c, std::uint64_t number);
Result<> set_page(db::Connection& c, std::uint64_t number, Span bits);

// What is still to be collected.
struct Sweep {
  std::uint64_t id = 0;
  VolumeId volume;
  Epoch epoch;                // the one that can no longer be looked at; Lineage::forever: the head
  std::uint64_t cursor = 0;   // leaves below it are done
};
Result<> add_sweep(db::Connection& c, VolumeId volume, Epoch epoch);
Result<std::optional<Sweep>> first_sweep(db::Connection& c);
Result<> set_cursor(db::Connection& c, std::uint64_t id, std::uint64_t cursor);
Result<bool> has_sweep(db::Connection& c, VolumeId volume);
Result<> drop_sweep(db::Connection& c, std::uint64_t id);

}  // namespace lockstep::store::rows
