// Pool: volumes, snapshots, clones and consistency groups over one ordered history. Native and RBD stand behind this face.
// Promises: design promises 1, 2, 5 and 9 as far as one pool can keep them; a group operation acts at one LSN.
// Refuses:  writes to what may not be written; admission without space; a role change that would discard anything.
// Lives on: one loop: every call here is made on loop().   On disk: docs/formats/.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "journal/journal.h"
#include "os/os.h"
#include "rt/rt.h"
#include "store/store.h"

namespace lockstep::pool {

// What a pool asks of whoever replicates one of its groups. Lives on the pool's loop.
class Acks {
 public:
  virtual ~Acks() = default;
  // As far as targets are concerned, writes (flushes) up to here may be answered. Never goes back; calls Pool::acks_moved() when it moves.
  [[nodiscard]] virtual Lsn received_elsewhere() const = 0;
  [[nodiscard]] virtual Lsn durable_elsewhere() const = 0;
  // A flush waits until targets are durable up to `lsn`: they are asked now instead of at their next turn. May be called often.
  virtual void durable_wanted(Lsn lsn) { (void)lsn; }
  // Policy `stop` and a target is missing: new writes fail with this.
  [[nodiscard]] virtual std::optional<Error> refuses_writes() const = 0;
  // How long a host's next request of this group is to wait (RPO pacing). Zero almost always.
  [[nodiscard]] virtual Duration pace() const { return Duration{0}; }
  // How long no host is to be let in to this group, to look at it either; ask again then. More than zero only after a restart, while what was
  // lost may still come back from a target. Zero: from now on nothing comes back under hosts that have looked.
  virtual Duration hold() { return Duration{0}; }
};

// Blocks of a group that is being filled (Pool::begin_fill) and that are still on another system. Lives on the pool's loop.
class Fetch {
 public:
  virtual ~Fetch() = default;
  // `count` whole blocks as the other system has them, into `into`, their checksums compared. Ends in bounded time: `unreachable` or whatever
  // else is the cause where they cannot be had. The pool keeps none of it by itself: what is to stay is given to Pool::fill().
  virtual rt::Task<Result<>> fetch(VolumeId volume, Block block, std::uint64_t count, MutSpan into) = 0;
};

// A block whose bytes did not match their checksum when they were read, and what became of it.
struct Damage {
  std::uint64_t number = 0;          // from 1, since the pool was opened
  VolumeId volume;                   // none: a part of the journal
  Block block;
  std::string where;                 // pool, volume and offset; file and offset in it
  std::string what;                  // why it is bad; where nothing could be done, why not
  bool repaired = false;             // a replica gave a good copy
};

// Asks replicas for the bytes of one damaged block. The pool takes them only if they match the checksum it expects.
class Repair {
 public:
  virtual ~Repair() = default;
  virtual rt::Task<Result<Buffer>> good_copy(VolumeId volume, Block block, Checksum expected) = 0;
  // After each damaged block that was met, by whatever way it was read. May be said again of the same block.
  virtual void met(const Damage& damage) { (void)damage; }
};

// What is kept only by wish (rewind windows): asked for some of it when a write would be refused for want of space.
class Spares {
 public:
  virtual ~Spares() = default;
  // False: there is nothing left to give. What was given comes back with the next checkpoints.
  virtual rt::Task<Result<bool>> give_up_some() = 0;
};

struct BlockExtent {
  Bytes at;
  Bytes length;
  bool hole = false;    // reads as zeroes, takes no space
  bool zero = false;    // reads as zeroes
  bool remote = false;  // still on another system: what it holds is not known here
};

// Told, on the pool's loop and at most once a turn, that answerable() of a volume may have moved (or that writes began to fail).
class AnswerWatch {
 public:
  virtual ~AnswerWatch() = default;
  virtual void answers_moved() = 0;
};

// An open volume or a read-only view of a snapshot's volume. Shared by sessions and relationships; in use while anybody holds it.
class Volume {
 public:
  virtual ~Volume() = default;

  [[nodiscard]] virtual VolumeId id() const = 0;
  [[nodiscard]] virtual VolumeUuid uuid() const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual Bytes size() const = 0;
  [[nodiscard]] virtual bool writable() const = 0;            // now, for hosts
  [[nodiscard]] virtual std::optional<Error> closed() const = 0;   // a reason why even reads are refused now (e.g. being restored)

  // Offsets and lengths in bytes, multiples of 512, inside size(): else out_of_range / invalid. What carries bytes has at most 32 MiB a
  // call; zero() and extents() take any length.

  // The hot path: whole blocks, space and budget at hand. Copies `data` into the journal's batch. Nothing: use write().
  virtual Result<std::optional<Lsn>> try_write(Bytes at, Span data) = 0;
  // Admission, merging of part-blocks, big writes past the journal. Returns the record's LSN once it is appended (not yet answerable).
  virtual rt::Task<Result<Lsn>> write(Bytes at, Span data) = 0;
  virtual rt::Task<Result<Lsn>> zero(Bytes at, Bytes length, bool discard) = 0;

  // All from overlay, cached leaves and page cache: true. False: use read().
  virtual Result<bool> try_read(Bytes at, MutSpan into) = 0;
  virtual rt::Task<Result<>> read(Bytes at, MutSpan into) = 0;
  // Whole blocks with their checksums (replication): bytes are verified.
  virtual rt::Task<Result<>> read_blocks(Block block, std::uint64_t count, MutSpan into, std::vector<Checksum>& checksums) = 0;
  // In address order from `at`, merged, at most `most`.
  virtual rt::Task<Result<std::vector<BlockExtent>>> extents(Bytes at, Bytes length, std::size_t most) = 0;
  // What the blocks hold, appended once more as records of the volume's group: a target that holds something else has these afterwards.
  // Nothing that is written meanwhile is lost. At most 256 blocks; needs a volume that hosts may write.
  virtual rt::Task<Result<Lsn>> rewrite(Block block, std::uint64_t count) {
    (void)block, (void)count;
    co_return fail(Code::unsupported, "volume '" + name() + "': its blocks cannot be written anew");
  }

  // Writes up to this LSN may be answered (journal file has them; targets too where the mode says so).
  [[nodiscard]] virtual Lsn answerable() const = 0;
  // An error that every write still waiting for an answer is to get (pool stopped, policy stop).
  [[nodiscard]] virtual std::optional<Error> answers_failed() const = 0;
  virtual void watch_answers(AnswerWatch& watch) = 0;
  virtual void unwatch_answers(AnswerWatch& watch) = 0;
  virtual rt::Task<Result<>> await_answerable(Lsn lsn) = 0;
  // Everything appended to the pool before the call is durable (here, and there where the mode says so).
  virtual rt::Task<Result<>> flush() = 0;
  [[nodiscard]] virtual Duration pace() const = 0;
  // As Acks::hold(): to be asked, until it is zero, before a host opens the volume.
  virtual Duration hold() { return Duration{0}; }
};

using VolumeRef = std::shared_ptr<Volume>;   // shared by every session on it: the volume is in use while one holds it

struct Options {
  Bytes memory = 512_MiB;            // everything beyond the page cache: overlay, caches, batches
  Bytes overlay = 192_MiB;           // most that waits for a checkpoint; a checkpoint starts at half, writers are slowed from three quarters
  Bytes journal_budget = 4_GiB;      // retained for relationships, each; beyond it their change map takes over
  journal::Options journal;
  store::Options store;
  Bytes chunk = Bytes{0};            // of a device or an image file, when a pool is made there; 0: by its size
  Duration checkpoint_every = std::chrono::seconds(30);   // at the latest, when there is anything
};

struct Status {
  PoolId id;
  std::string name;
  store::Space space;
  std::optional<std::string> damage;         // opened read-only, and why
  std::optional<Error> stopped;              // a sync failed: reopen by restart
  Bytes overlay_used;
  Lsn appended, received, durable, checkpoint, first;
  Bytes journal_bytes;
};

// One unit of what is shipped: records of one group in journal order; `upto`: everything of this group at or before it has been seen.
struct Stream {
  std::vector<journal::Record> records;
  Lsn upto;
};

class Pool {
 public:
  virtual ~Pool() = default;

  [[nodiscard]] virtual rt::Loop& loop() = 0;
  [[nodiscard]] virtual PoolId id() const = 0;
  [[nodiscard]] virtual Status status() const = 0;
  // The live catalogue: every row, hidden ones too.
  [[nodiscard]] virtual const store::Catalog& catalog() const = 0;

  // Objects. Every change is journaled and durable before it returns. Names: 1 to 100 bytes of [A-Za-z0-9._-], not starting with '.' or '-'.
  virtual rt::Task<Result<VolumeId>> create_volume(std::string name, Bytes size) = 0;
  virtual rt::Task<Result<>> resize_volume(VolumeId volume, Bytes size) = 0;
  virtual rt::Task<Result<>> rename_volume(VolumeId volume, std::string name) = 0;
  virtual rt::Task<Result<>> set_read_only(VolumeId volume, bool read_only) = 0;
  virtual rt::Task<Result<>> delete_volume(VolumeId volume) = 0;    // busy: in use, in a group; held as hidden where a clone needs it
  virtual Result<VolumeRef> open_volume(VolumeId volume) = 0;
  [[nodiscard]] virtual std::optional<VolumeId> find_volume(std::string_view name) const = 0;

  virtual rt::Task<Result<GroupId>> create_group(std::string name, std::vector<VolumeId> members) = 0;
  virtual rt::Task<Result<>> set_members(GroupId group, std::vector<VolumeId> members) = 0;
  // The volumes leave `from` and come after the last member of `to`, at one LSN, which it returns: what is written to them is `from`'s before
  // it and `to`'s after it.
  virtual rt::Task<Result<Lsn>> move_members(GroupId from, GroupId to, std::vector<VolumeId> volumes) {
    (void)from, (void)to, (void)volumes;
    co_return fail(Code::unsupported, "this pool does not move volumes between groups");
  }
  virtual rt::Task<Result<>> delete_group(GroupId group) = 0;       // the volumes stay
  // Role, position, history, resync, name: the row as it shall be. Members are not changed here.
  virtual rt::Task<Result<>> change_group(store::GroupRow row) = 0;
  // Begins a generation in the group's history: its parent is the group's present position. Durable before it returns.
  virtual rt::Task<Result<Generation>> begin_generation(GroupId group) = 0;
  // The origin number of the last record of the group (of its history's start when there is none).
  [[nodiscard]] virtual Origin position(GroupId group) const = 0;

  // One LSN for all volumes of the group; constant time. `internal` ones carry a purpose and are not listed to users.
  virtual rt::Task<Result<SnapshotId>> snapshot(GroupId group, std::string name, std::string internal_purpose) = 0;
  virtual rt::Task<Result<>> delete_snapshot(SnapshotId snapshot) = 0;
  // What an internal snapshot is held for, from now on.
  virtual rt::Task<Result<>> hold_snapshot(SnapshotId snapshot, std::string purpose) = 0;
  // A read-only view of the snapshot's volume `index` (in the group's order at that time).
  virtual Result<VolumeRef> open_snapshot(SnapshotId snapshot, std::size_t index) = 0;
  // Writable volumes that start as the snapshot's; constant time.
  virtual rt::Task<Result<std::vector<VolumeId>>> clone(SnapshotId snapshot, std::vector<std::string> names) = 0;
  // Such volumes as a group, in one step: `row` says everything about it but id, members and creation; without a history it begins one.
  virtual rt::Task<Result<GroupId>> clone_group(SnapshotId snapshot, std::vector<std::string> names, store::GroupRow row) = 0;
  // The group and its volumes, in one step; its snapshots stay. As delete_volume() where something depends on them; busy: in use, followed.
  virtual rt::Task<Result<>> discard_group(GroupId group) = 0;
  // The group's volumes become the snapshot's content; what they held is kept as a new internal-less snapshot of that name. A snapshot of
  // another group serves too, when it holds as many volumes of the same sizes: they pair by order.
  virtual rt::Task<Result<SnapshotId>> revert(GroupId group, SnapshotId snapshot, std::string keep_as) = 0;

  // For relationships: reading.
  virtual void set_acks(GroupId group, Acks* acks) = 0;             // nullptr: answers depend on this pool alone
  virtual void acks_moved(GroupId group) = 0;
  virtual void set_repair(Repair* repair) = 0;
  // Those numbered after `after`, oldest first; the last few hundred are kept.
  [[nodiscard]] virtual std::vector<Damage> damages(std::uint64_t after) const { (void)after; return {}; }
  virtual void set_spares(Spares* spares) = 0;                      // nullptr: there are none
  // Records of the group after `after`. Empty with upto > after when only other groups wrote; waits for nothing. `changed`: trimmed, use the change map.
  virtual rt::Task<Result<Stream>> stream(GroupId group, Lsn after, Bytes at_most) = 0;
  // Woken when received() moved.
  virtual rt::Signal& arrived() = 0;
  // The data of a `direct` record, verified; of others, the record's own.
  virtual rt::Task<Result<Span>> data_of(const journal::Record& record, Buffer& scratch) = 0;
  // The local LSN of the group's record with this origin, if it is still in the journal (or is the position right before the first retained one).
  virtual rt::Task<Result<std::optional<Lsn>>> lsn_of(GroupId group, Origin origin) = 0;
  [[nodiscard]] virtual WallTime time_of_oldest_after(GroupId group, Lsn after) const = 0;   // 0 when there is none
  // Bytes of blocks that the journal took for the group since the pool was opened (with what replay found); those of them after `after`.
  [[nodiscard]] virtual Bytes written(GroupId group) const = 0;
  [[nodiscard]] virtual Bytes written_after(GroupId group, Lsn after) const = 0;
  // No record of the group is dated later; 0: not known. On a target, by the source's clock.
  [[nodiscard]] virtual WallTime dated(GroupId group) const = 0;
  [[nodiscard]] virtual Bytes journal_after(Lsn after) const = 0;   // of all groups, as it lies in segments
  [[nodiscard]] virtual Bytes journal_budget() const = 0;           // of a follower that names none

  // Followers: what keeps the journal (or a change map) for a relationship, or the journal for a rewind window. The budget of a window is
  // its keeper's to mind: at twice the budget, or when the journal finds no space, the pool ends its claim and `durable` is where it is now.
  virtual rt::Task<Result<>> set_follower(store::FollowerRow row) = 0;
  // Of one that is there, from now on; what it claims stays claimed. 0: the pool's default.
  virtual rt::Task<Result<>> set_budget(RelationshipId follower, Bytes budget) {
    (void)follower, (void)budget;
    co_return fail(Code::unsupported, "this pool keeps no budgets");
  }
  virtual void follower_durable(RelationshipId follower, Lsn durable) = 0;   // frees journal; written down with the next checkpoint
  // Until it is said again or the pool is closed: the follower's journal may grow to `least`, though its budget be smaller, before a map
  // takes over.
  virtual void stretch_budget(RelationshipId follower, Bytes least) = 0;
  virtual rt::Task<Result<>> drop_follower(RelationshipId follower) = 0;
  // Folds everything up to `upto` into the follower's change map now (a resync pass begins there): row.mapped, row.mapped_upto >= upto.
  // The journal after mapped_upto stays within the budget; beyond it the pool folds on and mapped_upto grows.
  virtual rt::Task<Result<>> fold_follower(RelationshipId follower, Lsn upto) = 0;
  // The pass that began at `upto` is durable on the target: row.durable = upto and not mapped, the map is gone. What was folded beyond
  // `upto` meanwhile must not be lost: then the row stays mapped, with at least those blocks in its map.
  virtual rt::Task<Result<>> clear_change_map(RelationshipId follower, Lsn upto) = 0;
  virtual rt::Task<Result<std::vector<store::ChangeMapUpdate::Leaf>>> change_map(RelationshipId follower, VolumeId volume, std::uint64_t from_leaf, std::size_t most) = 0;
  virtual rt::Task<Result<std::uint64_t>> change_map_blocks(RelationshipId follower) = 0;
  // How many blocks the follower lacks, if it has everything up to `after`: those of its map, and those that the journal changes after both.
  // Looks only; `changed`: nobody knows any more.
  virtual rt::Task<Result<std::uint64_t>> blocks_lacking(RelationshipId follower, Lsn after) = 0;

  // For relationships: writing, as a target. Records keep their origins, volumes are this pool's ids. Appended in order as one unit; the group's
  // position moves to the last origin unless a record carries flag_resync. Returns the last LSN (received soon; commit() for durable).
  virtual rt::Task<Result<Lsn>> apply(GroupId group, std::vector<journal::Record> records) = 0;
  virtual rt::Task<Result<>> commit(Lsn lsn) = 0;                            // durable here
  virtual rt::Task<Result<>> await_received(Lsn lsn) = 0;

  // A group that hosts use while its content still comes from elsewhere. From begin_fill() on every block of its volumes is *remote* until a
  // record or the map says something of it: a host's write, discard or zeroes, or what fill() brought. Nothing else is kept of that, so it is as
  // exact after a restart as what was written. Remote blocks are asked of the group's Fetch, by reads and by writes of a part of one.
  // Meanwhile snapshots, reverts, resizing and changes of members are refused: busy.
  virtual rt::Task<Result<>> begin_fill(GroupId group) {            // busy: a volume holds something already, or depends on another
    (void)group;
    co_return fail(Code::unsupported, "volumes of this pool cannot be used before they are whole");
  }
  virtual void set_fetch(GroupId group, Fetch* fetch) { (void)group, (void)fetch; }   // nullptr: nobody brings them
  // Whole blocks, as for apply(), at most 8192 a record: those that are still remote are taken, of the others nothing changes. No part of the group's
  // stream. The LSN of the last record that was appended, or of the last before it.
  virtual rt::Task<Result<Lsn>> fill(GroupId group, std::vector<journal::Record> records) {
    (void)group, (void)records;
    co_return fail(Code::unsupported, "nothing is filled in this pool");
  }
  // What is still remote is zero. Durable, with everything filled before, before it returns.
  virtual rt::Task<Result<>> end_fill(GroupId group) {
    (void)group;
    co_return Result<>{};
  }

  // For compare and verify: hashes of leaves of snapshot `index`, after a checkpoint that covers it.
  virtual rt::Task<Result<std::vector<Checksum>>> leaf_hashes(SnapshotId snapshot, std::size_t index, std::uint64_t from_leaf, std::size_t count) = 0;
  virtual rt::Task<Result<std::vector<store::Entry>>> leaf_entries(SnapshotId snapshot, std::size_t index, std::uint64_t leaf) = 0;

  virtual rt::Task<Result<>> checkpoint() = 0;     // now, everything
  virtual rt::Task<Result<>> close() = 0;          // drains, checkpoints, closes cleanly; volumes must be closed
};

// A native pool at `path`: a directory (made when missing, if `create`), or a block device or image file that holds nothing else. Runs on `loop`.
rt::Task<Result<std::unique_ptr<Pool>>> open_native(os::Host& host, rt::Loop& loop, std::string path, std::string name, Options options, bool create);

}  // namespace lockstep::pool
