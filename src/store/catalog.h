// Catalogue: what a pool holds, as rows. A change of the catalogue is one journal record with the new rows, absolute; the store's
// metadata is the fold of those records. So replaying a change twice is harmless.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/base.h"

namespace lockstep::store {

struct VolumeRow {
  VolumeId id;
  VolumeUuid uuid;
  std::string name;                   // unique among volumes of the pool that are not hidden
  Bytes size;                         // multiple of 512
  VolumeId origin;                    // a clone: absent entries fall through to (origin, origin_epoch); 0 = none
  Epoch origin_epoch;
  Epoch born;                         // first epoch that may hold entries
  bool hidden = false;                // deleted by the user, held because something depends on it
  bool read_only = false;             // by the administrator's word; roles come on top
  bool filling = false;               // of what has no entry, it is not known here what it holds: zero and absent are not the same
  WallTime created;
};

// What a group is towards relationships. Decides writability together with VolumeRow::read_only.
enum class Role : std::uint8_t {
  source = 0,          // writable (also: no relationship at all)
  target = 1,          // follows; read-only for hosts
  demoted = 2,         // was source, gave up its role for good order; read-only
  target_writable = 3, // split, fractured or failed over: writable, history has a generation of its own
};

struct HistoryEntry {
  Generation generation;
  Origin parent;        // last position of the history it continues; none for the first
};

// A resync that a target is inside of: blocks arrive out of order until `upto` is reached.
struct ResyncBracket {
  RelationshipId relationship;
  SnapshotId stand_in;          // last consistent state; none when the target never was consistent
  std::uint32_t pass = 0;
  Origin source_position;       // what the target will be at when this pass and the shipping after it end
};

struct GroupRow {
  GroupId id;
  std::string name;
  std::vector<VolumeId> members;      // ordered
  Role role = Role::source;
  std::vector<HistoryEntry> history;  // oldest first; the last is the generation that new local writes belong to
  Origin position;                    // as target: the source state it holds. As source: none (its own last record decides)
  bool was_synchronized = false;      // as target: reached Synchronized once
  RelationshipId following;           // as target: the relationship it follows
  std::optional<ResyncBracket> resync;
  WallTime created;
};

struct SnapshotRow {
  SnapshotId id;
  std::string name;
  GroupId group;                      // none for a snapshot of single volumes
  std::vector<VolumeId> volumes;      // ordered as the group was
  Epoch epoch;
  Lsn lsn;
  Origin origin;                      // position of the group at it
  WallTime time;                      // when it was taken
  WallTime as_of;                     // every record of the group in it is dated up to here, every one after it from here on; 0: not known
  bool internal = false;              // stand-ins, resync sources, rewind points: shown as held, not listed
  bool hidden = false;                // deleted by the user, held because a clone depends on it
  std::string purpose;                // for internal ones: who holds it
};

// On a source: one relationship's claim on the journal, or the change map that took its place. Or a group's rewind window: a claim that is
// never mapped; what it cannot keep, it gives up.
struct FollowerRow {
  RelationshipId id;                  // of a rewind window: its group's, made over
  GroupId group;
  Lsn durable;                        // the target survives a power cut with everything up to here
  bool mapped = false;                // the change map stands for (durable, mapped_upto]; stream after a resync only
  Lsn mapped_upto;
  Bytes journal_budget;               // retained journal that it may claim; 0: the pool's default
  Origin since;                       // every change of the group after this position is claimed, or the target has it
  Duration window{0};                 // of history to keep; 0: not a rewind window. Whole microseconds
};

template <class Key>
struct Removed {
  Key key;
};

using CatalogChange = std::variant<VolumeRow, GroupRow, SnapshotRow, FollowerRow, Removed<VolumeId>, Removed<GroupId>, Removed<SnapshotId>, Removed<RelationshipId>>;

struct Catalog {
  std::map<VolumeId, VolumeRow> volumes;
  std::map<GroupId, GroupRow> groups;
  std::map<SnapshotId, SnapshotRow> snapshots;
  std::map<RelationshipId, FollowerRow> followers;
  VolumeId next_volume{1};            // above every id ever given
  Epoch epoch{1};                     // the head's: above every snapshot's

  void apply(const CatalogChange& change);
};

// docs/formats/catalog.md. decode refuses what it does not know with `corrupt`.
[[nodiscard]] Buffer encode(std::span<const CatalogChange> changes);
[[nodiscard]] Result<std::vector<CatalogChange>> decode(Span bytes);

}  // namespace lockstep::store
