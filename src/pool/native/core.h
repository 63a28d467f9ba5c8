// Core: what the parts of a native pool share: journal, store, overlay, the live catalogue and what is derived from it.
// Every change goes through here: a record is appended and folded in one step, with nothing in between, so that at every instant the
// live catalogue and the overlay are the fold of the journal up to appended().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "pool/native/damages.h"
#include "pool/native/overlay.h"
#include "pool/native/times.h"
#include "pool/native/trail.h"
#include "pool/pool.h"

namespace lockstep::pool::native {

class NativeVolume;

inline constexpr Epoch epoch_of_head{UINT64_MAX};

struct GroupState {
  GroupState(rt::Loop& loop, GroupId group) : id(group), applying(loop, 1) {}
  GroupId id;
  store::GroupRow* row = nullptr;   // in the live catalogue; nullptr once deleted: somebody may still wait here
  Generation generation;            // new local records belong to it
  Lsn last;                         // of the group's records, as far as this journal tells
  Acks* acks = nullptr;
  Fetch* fetch = nullptr;           // of a group that is being filled
  rt::Budget applying;              // units are appended in the order they came
  WallTime dated;                   // no record of it is dated later; the next one is dated from here on
  Times times;
  Trail trail;
};

// Where a block is looked for: layers of the overlay, the nearest volume first.
struct Level {
  const VolumeLayers* layers = nullptr;
  Epoch upto;
};

struct VolumeState {
  VolumeId id;
  store::VolumeRow* row = nullptr;
  GroupState* group = nullptr;
  VolumeLayers* layers = nullptr;
  bool may_write = false;
  bool told = true;                        // watches heard of everything that may be answered
  Lsn last;                                // of its records since open
  std::vector<AnswerWatch*> watches;
  std::weak_ptr<NativeVolume> open;
  unsigned views = 0;                      // open views of its snapshots
  [[nodiscard]] bool in_use() const { return views > 0 || !open.expired(); }
};

class Core {
 public:
  Core(os::Host& h, rt::Loop& l, Options o) : host(h), loop(l), options(std::move(o)), arrived(l), answered(l), changed(l), scope(l) {}
  ~Core();

  os::Host& host;
  rt::Loop& loop;
  const Options options;
  PoolId id;
  std::string name;
  std::string directory;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<journal::Journal> journal;
  store::Catalog catalog;                              // live
  std::optional<Overlay> overlay;
  std::vector<store::CatalogChange> unfolded;          // appended, not yet in a checkpoint
  std::map<VolumeId, std::unique_ptr<VolumeState>> volumes;
  std::map<GroupId, std::unique_ptr<GroupState>> groups;
  std::map<SnapshotId, unsigned> views;                // open views
  std::set<VolumeId> filling;                          // volumes whose blocks without an entry are still on another system
  std::optional<std::string> damage;
  std::optional<Error> stopped;
  bool closing = false;
  bool journal_is_short = false;                       // no segment is left, and none can be made
  bool replaying = false;                              // until open: reservations are made at once, after it
  WallTime opened_at;
  Repair* repair = nullptr;
  DamageLog damages;
  Spares* spares = nullptr;
  std::vector<VolumeState*> untold;                    // written to since their watches were last told
  rt::Signal arrived;                                  // received() moved
  rt::Signal answered;                                 // received() or what targets have moved
  rt::Signal changed;                                  // anything that somebody may wait for: failure, space, end of a checkpoint
  rt::Callback on_growth;                              // the overlay or the catalogue grew
  rt::Callback want_checkpoint;                        // begins one soon
  std::function<rt::Task<Result<>>()> checkpoint_now;  // one that begins after the call; made by the checkpointer
  std::function<bool()> checkpoint_frees;              // one may give places back
  rt::Scope scope;

  // Whole blocks of `volume`; for a write, `count` blocks are reserved and belong to the overlay from here on, whatever becomes of it.
  // `mending`: what the blocks should hold anyway; no part of the group's stream.
  Result<Lsn> append_blocks(VolumeState& volume, journal::Record record, bool mending = false);
  // Rows, absolute. `stream`: the group whose history this belongs to; nullptr where it is this pool's own affair.
  Result<Lsn> append_catalog(std::vector<store::CatalogChange> changes, GroupState* stream);
  // A position or rows that a peer sent; checked by the caller.
  Result<Lsn> append_foreign(journal::Record record);
  // A record as it comes from replay or has just been appended.
  Result<> fold(const journal::Record& record);
  // What a record tells of where its group, or the group whose row it holds, has been.
  void trace(const journal::Record& record, std::span<const store::CatalogChange> rows);
  void fold_blocks(VolumeState& volume, const journal::Record& record);

  // Everything appended so far up to `lsn` survives a power cut.
  rt::Task<Result<>> make_durable(Lsn lsn);
  // Everything written to the data file so far does.
  rt::Task<Result<>> sync_data();
  // Likewise, if big writes are in it of which that is not known: the journal asks with every sync of its own.
  rt::Task<Result<>> sync_big_writes();

  // Records that are retained and cannot be read.
  void note_journal_damage(const Error& error);

  // Final: no write is taken or answered any more. The first reason stays.
  void stop(Error why);
  void wake_all();

  [[nodiscard]] bool is_filling(VolumeId volume) const { return !filling.empty() && filling.contains(volume); }
  // `busy`, naming the volume, when one of the group is being filled.
  [[nodiscard]] Result<> whole(const GroupState& group) const;
  [[nodiscard]] VolumeState* find(VolumeId volume) const;
  [[nodiscard]] GroupState* find(GroupId group) const;
  [[nodiscard]] std::vector<Level> levels_of(VolumeId volume, Epoch upto);
  // Why `volume` may not be written by hosts now, if so.
  [[nodiscard]] std::optional<Error> refuses(const VolumeState& volume) const;
  // Refuses every change of the pool: damaged, stopped or closing.
  [[nodiscard]] Result<> writable() const;
  void refresh();   // recomputes what follows from the catalogue

 private:
  Lsn last_direct_;                                    // big writes up to here have been appended
  Lsn synced_direct_;                                  // ... and are durable
  void keep_progress(store::FollowerRow& row) const;
  [[nodiscard]] WallTime date_for(const GroupState* group, WallTime given) const;
};

}  // namespace lockstep::pool::native
