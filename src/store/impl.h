// Impl: the store's state, all of it on one loop. The methods are spread over open.cc, lookup.cc, commit.cc, fold.cc, collect.cc, room.cc,
// scan.cc and change_maps.cc.
// Order of things: whoever writes metadata holds the turn. A commit changes lineage and deltas first (the pool's overlay still hides the
// blocks it names), then runs its transaction; when that fails, the store has failed and only opening again tells what is there.
// A fold's transaction runs first and its deltas go afterwards; a load that was under way meanwhile looks again (changed_).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/chunk.h"
#include "store/data_file.h"
#include "store/delta_map.h"
#include "store/leaf_cache.h"
#include "store/lineage.h"
#include "store/metered_files.h"
#include "store/places.h"
#include "store/rows.h"
#include "store/store.h"

namespace lockstep::store {

// What fold and sweep must know of a volume, to take along to a worker.
struct Pins {
  std::vector<Epoch> epochs;   // ascending
  bool head = false;
  bool based = false;          // absent is not zero: it has an origin, or is being filled
  [[nodiscard]] bool is_visible(Epoch from, Epoch before) const;
};

class Impl final : public Store {
 public:
  Impl(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool, Options options);
  rt::Task<Result<>> open();

  const Catalog& catalog() const override { return catalog_; }
  Lsn checkpoint_lsn() const override { return checkpoint_lsn_; }

  Result<bool> try_lookup(View view, Block block, std::span<Entry> out) override;
  rt::Task<Result<>> lookup(View view, Block block, std::vector<Entry>& out) override;
  void note_volume(const VolumeRow& row) override;

  Result<bool> try_read_data(Place place, MutSpan into) override { return data_->try_read(place, into); }
  rt::Task<Result<>> read_data(Place place, MutSpan into) override { return data_->read(place, into); }
  std::unique_ptr<ReadGuard> begin_read() override { return places_.begin_read(); }

  Result<> reserve(std::uint64_t blocks, bool from_reserve) override;
  rt::Task<Result<>> room() override;
  void unreserve(std::uint64_t blocks) override { places_.unreserve(blocks); }
  Result<std::vector<Run>> allocate(std::uint64_t blocks) override;
  void release_unused(std::span<const Run> runs) override { places_.release_unused(runs); }
  Result<> mark_used(Run run) override { return places_.claim(run); }
  rt::Task<Result<>> write_data(Place place, std::vector<Span> parts) override { return data_->write(place, std::move(parts)); }
  rt::Task<Result<>> sync_data() override { return data_->sync(); }
  Space space() const override;

  rt::Task<Result<>> commit(Commit commit) override;
  void journal_released(Lsn upto) override { places_.journal_released(upto); }

  rt::Task<Result<std::vector<Extent>>> extents(View view, Block from, std::size_t most) override;
  rt::Task<Result<std::vector<DiffLeaf>>> diff(View older, View newer, std::uint64_t from_leaf, std::size_t most) override;
  rt::Task<Result<std::vector<Checksum>>> leaf_hashes(View view, std::uint64_t from_leaf, std::size_t count) override;

  rt::Task<Result<std::vector<ChangeMapUpdate::Leaf>>> change_map(RelationshipId follower, VolumeId volume, std::uint64_t from_leaf, std::size_t most) override;
  rt::Task<Result<std::uint64_t>> change_map_blocks(RelationshipId follower) override;

  rt::Task<Result<bool>> tidy() override;
  Bytes metadata_bytes_written() const override { return files_.written(); }
  rt::Task<Result<>> close() override;

  std::vector<Error> damage() const override { return damage_; }

  struct FoldLeaf {
    LeafId id;
    std::vector<DeltaGroup> groups;
  };

  // For tests: the model looks inside.
  [[nodiscard]] const Places& places() const { return places_; }
  [[nodiscard]] const DeltaMap& deltas() const { return deltas_; }

 private:
  using Leaves = std::vector<std::uint64_t>;

  // open.cc
  Result<> load();   // on a worker, before anybody else knows of this object
  Result<> load_database();
  Result<> load_space();
  Result<> load_deltas(std::map<std::uint64_t, Lsn>& quarantine);

  // The right to write metadata, first come first served.
  class Turn {
   public:
    explicit Turn(rt::Budget& budget) : budget_(&budget) {}
    Turn(Turn&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (budget_ != nullptr) budget_->give(1);
    }

   private:
    rt::Budget* budget_;
  };
  rt::Task<Turn> take_turn();
  Result<> usable() const;
  Error failed(Error error);   // remembers it: the store accepts nothing more

  // One connection for reading, given back when it dies.
  class Reading {
   public:
    Reading(Impl& impl, std::unique_ptr<db::Connection> connection) : impl_(&impl), connection_(std::move(connection)) {}
    Reading(Reading&&) = default;
    Reading& operator=(Reading&&) = delete;
    ~Reading();
    [[nodiscard]] db::Connection& connection() const { return *connection_; }

   private:
    Impl* impl_;
    std::unique_ptr<db::Connection> connection_;
  };
  rt::Task<Result<Reading>> take_reader();

  // lookup.cc
  struct Load;
  [[nodiscard]] View as_kept(View view) const;
  [[nodiscard]] LeafCache::Key key_of(View view, std::uint64_t leaf) const;
  // The leaves as `view` sees them now: nothing is awaited between the last of them and the return.
  rt::Task<Result<std::vector<LeafContent>>> resolve(View view, Leaves leaves);
  Result<> merge(const Lineage::Chain& chain, std::uint64_t leaf, const std::vector<std::optional<Version>>& rows, LeafContent& out) const;
  void leaf_changed(LeafId id);

  // commit.cc
  rt::Task<void> merge_chunks(const std::vector<Chunk>& chunks, std::vector<Place>& freed);
  void refresh_cached(const Chunk::Item& item, const std::vector<View>& dependents);
  rt::Task<void> refresh_cached(Chunk::Zero zero, std::vector<View> dependents);
  void apply_to_lineage(const std::vector<CatalogChange>& changes);
  std::vector<Lineage::Lost> take_lost();

  // What goes into every transaction besides its own.
  struct Ledger {
    Lsn released;
    std::uint64_t delta_row = 0;         // the next row of each log
    std::uint64_t space_row = 0;
    std::uint64_t drop_deltas = 0;       // rows up to here count for nothing
    std::vector<Buffer> deltas;          // to be appended
    std::vector<Place> used;             // see SpaceRow
    std::vector<Place> freed;
    std::vector<Place> unlogged;         // freed before, and not yet in the log
    SpaceRow space;                      // what they came to; appended when it says anything
    std::uint64_t space_bytes = 0;       // what it came to
    Result<> write(db::Connection& c);
  };
  [[nodiscard]] Ledger ledger();
  void written(const Ledger& ledger, std::span<const std::uint64_t> items);   // after the commit: items of each appended row

  // fold.cc
  void note_damage(Error error);
  rt::Task<Result<bool>> fold_fullest(std::uint64_t goal);   // entries; false: there was nothing to fold
  rt::Task<Result<bool>> fold_zeroes();                      // a slice of an interval; false: there is none
  rt::Task<Result<bool>> fold_zeroes_of(VolumeId volume);
  rt::Task<Result<>> fold_zero(Chunk::Zero zero);
  rt::Task<Result<>> fold_leaves(std::vector<LeafId> ids, std::vector<Chunk::Zero> cut);
  rt::Task<Result<bool>> fold_down_to(std::uint64_t memory, std::size_t slices);
  rt::Task<Result<bool>> trim_deltas();                      // false: nothing worth it
  [[nodiscard]] bool space_is_short() const;

  // collect.cc
  rt::Task<Result<bool>> collect();                          // a slice of a sweep; false: there is none
  rt::Task<Result<>> collect_leaves(rows::Sweep sweep, Leaves leaves, bool last);
  bool next_foldable(LeafId& from) const;
  rt::Task<Result<>> collect_deltas(VolumeId volume);
  rt::Task<Result<bool>> collect_volume(rows::Sweep sweep);
  rt::Task<Result<bool>> consolidate_space();
  [[nodiscard]] Pins pins_of(VolumeId volume) const;

  // room.cc
  [[nodiscard]] std::uint64_t places_most() const;           // by capacity
  void grow_if_needed(bool refused = false);   // `refused`: somebody was, whatever is left
  rt::Task<void> grow();
  rt::Task<Result<>> measure();
  rt::Task<Result<>> grow_once();

  // scan.cc
  rt::Task<Result<Leaves>> written_between(VolumeId volume, Epoch after, Epoch upto, std::uint64_t from, std::size_t most);
  rt::Task<Result<Leaves>> candidates(std::vector<View> views, std::uint64_t from, std::uint64_t end, std::size_t most);

  // change_maps.cc
  rt::Task<Result<bool>> collect_change_maps();

  os::Host& host_;
  rt::Loop& loop_;
  std::string directory_;
  PoolId pool_;
  Options options_;
  MeteredFiles files_;
  std::unique_ptr<DataFile> data_;
  std::unique_ptr<db::Database> database_;
  std::vector<std::unique_ptr<db::Connection>> readers_;
  rt::Signal reader_free_;
  rt::Budget turns_;
  rt::Scope scope_;
  std::optional<Error> failed_;
  bool closed_ = false;
  std::size_t readers_made_ = 0;

  Catalog catalog_;
  Lsn checkpoint_lsn_;
  Lineage lineage_;
  Epoch head_epoch_{1};                          // views from here on are heads
  std::vector<Lineage::Lost> lost_;              // not yet in table sweep
  DeltaMap deltas_{lineage_};
  LeafCache cache_;
  Places places_;

  // Loads under way, and what changed in table leaf since the oldest of them began.
  std::unordered_map<LeafCache::Key, std::shared_ptr<Load>, LeafCache::Hash> loads_;
  std::uint64_t loading_ = 0;
  std::uint64_t change_count_ = 0;
  std::map<LeafId, std::uint64_t> changed_;

  struct LogPart {
    std::uint64_t id = 0;
    std::uint64_t weight = 0;                    // items, or bytes
    Lsn lsn;
  };
  std::deque<LogPart> delta_rows_;
  std::deque<LogPart> space_rows_;
  std::uint64_t delta_items_ = 0;                // in rows, counting or not
  std::uint64_t space_bytes_ = 0;
  std::uint64_t next_delta_row_ = 1;
  std::uint64_t next_space_row_ = 1;

  LeafId fold_cursor_;
  bool folding_ = false;                         // tidy() is on its way down
  std::set<LeafId> unfoldable_;                  // damaged; their deltas stay where they are
  bool zeroes_stuck_ = false;                    // an interval reaches over one of them
  std::vector<Error> damage_;
  std::deque<std::uint64_t> sweep_leaves_;       // of sweep sweep_id_, ahead of its cursor
  std::uint64_t sweep_id_ = 0;
  bool sweep_listed_all_ = false;
  bool may_sweep_ = true;
  bool may_drop_maps_ = true;

  bool growing_ = false;
  bool grow_refused_ = false;
  bool room_exhausted_ = false;                  // room() found nothing more to give back since the last commit
  std::uint64_t places_possible_ = 0;            // with what the file system has left
  rt::Signal grown_;
};

}  // namespace lockstep::store
