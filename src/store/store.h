// Store: a pool's blocks at rest: which place holds which block of which volume at which epoch, with its checksum.
// Promises: metadata is one SQLite commit behind data that is already durable; a place is handed out again only when the commit that
//           freed it is durable, no retained journal record names it, and every read begun before has ended.
// Refuses:  overwriting anything at rest; a commit older than the one before; rows whose checksum is wrong.
// Lives on: one loop; SQLite on workers over frozen data.   On disk: docs/formats/store.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "db/db.h"
#include "os/os.h"
#include "rt/rt.h"
#include "store/catalog.h"

namespace lockstep::store {

inline constexpr std::uint64_t leaf_blocks = 128;   // blocks per leaf of the map: 512 KiB of a volume

struct Options {
  Bytes leaf_cache = 128_MiB;       // resolved leaves in RAM
  Bytes delta_budget = 64_MiB;      // committed entries not yet folded into leaves, in RAM
  Bytes grow_step = 256_MiB;        // the data file grows ahead of need by this
  Bytes capacity = Bytes{0};        // most that data may take; 0: what the file system gives
  Bytes keep_back = 64_MiB;         // of data: only reserve(from_reserve) gets at it (one overlay's worth)
  Bytes metadata_reserve = 64_MiB;  // data never grows into the last of the file system: metadata must
  unsigned readers = 4;             // leaves loaded at once
};

enum class EntryKind : std::uint8_t { absent = 0, zero = 1, placed = 2, bad = 3, remote = 4 };

// `place` counts for placed and bad (a bad block keeps its place until it is overwritten or repaired), `checksum` for placed, bad and
// remote; elsewhere they read as 0. Place 0 is never handed out: a bad entry with place 0 names none.
struct Entry {
  EntryKind kind = EntryKind::absent;
  Place place;
  Checksum checksum;
  bool operator==(const Entry&) const = default;
};

// A volume as of an epoch. The head is {volume, catalogue epoch}. Kept for views: the epochs of snapshots that list the volume, the epochs
// that clones of it are based on, and the head of a volume whose row is there and not hidden. Nothing else can be looked at.
struct View {
  VolumeId volume;
  Epoch epoch;
  constexpr auto operator<=>(const View&) const = default;
};

struct Run {   // contiguous places
  Place first;
  std::uint64_t count = 0;
};

// One run of blocks that got new entries: what a checkpoint hands over. `entries.size()` blocks from `block`, or, for kind zero over a long
// interval, `zero_count` blocks that all become zero (entries empty).
struct MapChange {
  VolumeId volume;
  Epoch epoch;              // the epoch the entries were written in
  Block block;
  std::vector<Entry> entries;
  std::uint64_t zero_count = 0;
};

struct ChangeMapUpdate {      // blocks that a follower lacks: added, or the whole map dropped
  RelationshipId follower;
  bool clear = false;
  struct Leaf {
    VolumeId volume;
    std::uint64_t leaf = 0;               // block / leaf_blocks
    std::array<std::uint64_t, leaf_blocks / 64> mask{};
  };
  std::vector<Leaf> add;
};

// Everything one checkpoint makes durable, in one SQLite commit.
struct Commit {
  Lsn checkpoint_lsn;                     // the metadata is the fold of the journal up to here
  std::vector<CatalogChange> catalog;
  std::vector<MapChange> map;             // in journal order: later ones win
  std::vector<ChangeMapUpdate> change_maps;
};

struct Space {
  Bytes total;      // could be used by data
  Bytes used;
  Bytes reserved;   // admitted writes not yet placed, and the reserve kept back for checkpoints and deletions
};

class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual const Catalog& catalog() const = 0;      // as of checkpoint_lsn; the pool keeps the live one
  [[nodiscard]] virtual Lsn checkpoint_lsn() const = 0;

  // Map. Entries of blocks [block, block + out.size()) in `view`, origins resolved. try_lookup: false when a leaf must be loaded first.
  // Volumes and their origins come from the committed rows plus those announced by note_volume() for volumes made since.
  virtual Result<bool> try_lookup(View view, Block block, std::span<Entry> out) = 0;
  virtual rt::Task<Result<>> lookup(View view, Block block, std::vector<Entry>& out) = 0;   // out.size() blocks
  virtual void note_volume(const VolumeRow& row) = 0;            // so that lookups of a fresh clone resolve before the next commit

  // Data. Both check nothing: checksums are the caller's (it has the entry).
  virtual Result<bool> try_read_data(Place place, MutSpan into) = 0;   // page cache only; whole blocks; contiguous places
  virtual rt::Task<Result<>> read_data(Place place, MutSpan into) = 0;
  // A read that spans an await holds this: places freed by later commits are not reused while it lives.
  class ReadGuard {
   public:
    virtual ~ReadGuard() = default;
  };
  virtual std::unique_ptr<ReadGuard> begin_read() = 0;

  // New space. Contiguous where free space allows. no_space only beyond what reserve() admitted.
  // reserve() is admission: it counts, allocates nothing. `busy`: the data file is growing, or freed space is on its way back:
  // await room() and ask again. `no_space`: final for now.
  virtual Result<> reserve(std::uint64_t blocks, bool from_reserve = false) = 0;
  virtual rt::Task<Result<>> room() = 0;                                            // until there may be more than before
  virtual void unreserve(std::uint64_t blocks) = 0;
  virtual Result<std::vector<Run>> allocate(std::uint64_t blocks) = 0;             // out of what was reserved
  virtual void release_unused(std::span<const Run> runs) = 0;                      // allocated, never committed or named by a record
  // Replay: a direct record after checkpoint_lsn() names it. Before anything is allocated. Then as if allocate() had returned it.
  // (What records at or before checkpoint_lsn() name and the map no longer does is kept in quarantine across restarts.)
  virtual Result<> mark_used(Run run) = 0;
  virtual rt::Task<Result<>> write_data(Place place, std::vector<Span> parts) = 0; // O_DIRECT: 4096-aligned memory
  virtual rt::Task<Result<>> sync_data() = 0;
  [[nodiscard]] virtual Space space() const = 0;

  // One commit. Data it names are durable before the call. Epochs of `map` never fall below one that was committed for that volume. While it
  // runs, lookups of the blocks it names may see old or new; after it, new. After an error nothing more is accepted: open again. Places it frees are quarantined until journal_released() passes `checkpoint_lsn`
  // of this commit and older reads ended.
  virtual rt::Task<Result<>> commit(Commit commit) = 0;
  // No retained journal record at or before `upto` will be read again. Also after open: quarantine ends with it. An idle pool without
  // followers says checkpoint_lsn(), or freed space does not come back.
  virtual void journal_released(Lsn upto) = 0;

  // Scans for resync, verify and export; they do not evict the heads from the cache.
  struct Extent {
    Block block;
    std::uint64_t count = 0;
    EntryKind kind = EntryKind::absent;
  };
  // Runs of equal kind from `from` on, at most `most` of them; go on where the last one ends, until the volume's end. Absent (falling
  // through to nothing) is a hole; so is zero, and housekeeping may make the one of the other.
  virtual rt::Task<Result<std::vector<Extent>>> extents(View view, Block from, std::size_t most) = 0;
  struct DiffLeaf {
    std::uint64_t leaf = 0;
    std::array<std::uint64_t, leaf_blocks / 64> mask{};   // blocks whose entries differ
  };
  // Leaves from `from_leaf` on in which the two views (of one volume, of a clone and its origin, of two clones) differ by content, at most
  // `most`. None: there are no more.
  virtual rt::Task<Result<std::vector<DiffLeaf>>> diff(View older, View newer, std::uint64_t from_leaf, std::size_t most) = 0;
  // One hash a leaf (over kind and checksum of each block, not places; absent counts as zero), for compare. A leaf of holes has hash 0.
  virtual rt::Task<Result<std::vector<Checksum>>> leaf_hashes(View view, std::uint64_t from_leaf, std::size_t count) = 0;

  // Change maps, as of the last commit.
  virtual rt::Task<Result<std::vector<ChangeMapUpdate::Leaf>>> change_map(RelationshipId follower, VolumeId volume, std::uint64_t from_leaf, std::size_t most) = 0;
  [[nodiscard]] virtual rt::Task<Result<std::uint64_t>> change_map_blocks(RelationshipId follower) = 0;

  // Background housekeeping in slices: folds deltas into leaves, frees versions nobody can see. Returns false when there is nothing left to do.
  // A leaf that cannot be read stops nobody: it is left alone and named in damage(). An error is final, as after commit().
  virtual rt::Task<Result<bool>> tidy() = 0;
  [[nodiscard]] virtual std::vector<Error> damage() const = 0;   // what housekeeping found since open; the first hundred

  [[nodiscard]] virtual Bytes metadata_bytes_written() const = 0;   // since open, for bench
  virtual rt::Task<Result<>> close() = 0;
};

// Opens or makes the store in `directory` (which exists and is locked by the caller): "map.db" and "data". `corrupt` when it is another
// pool's or metadata fail a check. Whether checkpoint_lsn() is new enough for the journal is for the caller to compare.
rt::Task<Result<std::unique_ptr<Store>>> open(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool, Options options);

}  // namespace lockstep::store
