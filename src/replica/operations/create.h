// Create: both ends of a new relationship, or neither.
// Lives on: the control loop; volumes and groups are made on their pools' loops.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/base.h"
#include "replica/group/target_objects.h"
#include "replica/group/token.h"
#include "replica/peers/peers.h"
#include "replica/roster/roster.h"

namespace lockstep::replica {

// What holds for every relationship's settings; an Asynchronous one without an objective gets the default of
// 30 s.
[[nodiscard]] Result<> settle_settings(SyncType type, Settings& settings);

// Why a relationship that starts at a target is never Synchronous.
[[nodiscard]] Error next_hop_answers_nobody(const std::string& group);

// From the wire; what is not known counts as least.
[[nodiscard]] Made made_from(std::uint32_t number);

class Creation {
 public:
  Creation(const Ground& ground, Pools& pools, Peers& peers, Roster& roster)
      : ground_(ground), pools_(pools), peers_(peers), roster_(roster) {}

  // `pinned`: the point in time is that of a token, which is used up by it.
  rt::Task<Result<EntryRef>> create(CreateRequest request, std::optional<Pinned> pinned = std::nullopt);
  rt::Task<Result<Forecast>> forecast(CreateRequest request);

  // Asked by a source's system, which may be this one.
  rt::Task<Result<wire::CreateTargetReply>> make_target(SystemId from, wire::CreateTarget wanted);
  rt::Task<Result<>> remove_target(SystemId from, RelationshipId id, Made made);

 private:
  struct Facts {  // of the source group
    std::string pool_name, group_name;
    std::vector<store::VolumeRow> volumes;
    Past past;
    Way way;         // of the data to a target of it
    bool next_hop = false;
    Bytes allocated;
  };
  static rt::Task<Result<Facts>> look(pool::Pool& pool, Gates& gates, SystemId self, GroupId group, SyncType type, bool measure);
  rt::Task<Result<Facts>> check(CreateRequest& request, bool measure);
  [[nodiscard]] wire::CreateTarget ask_for(const CreateRequest& request, const Facts& facts,
                                           RelationshipId id) const;
  // create_point.cc: the types that hold one instant
  rt::Task<Result<pool::Pool*>> near_pool(CreateRequest request);  // none: blocks have to travel
  [[nodiscard]] TargetWish near_wish(const CreateRequest& request, const Facts& facts, RelationshipId id) const;
  rt::Task<Result<EntryRef>> create_near(CreateRequest request, Facts facts, pool::Pool& pool,
                                         std::optional<Pinned> pinned);
  rt::Task<Result<Forecast>> forecast_near(CreateRequest request, Facts facts, pool::Pool& pool);
  rt::Task<Result<>> begin_point(EntryRef entry, std::optional<Pinned> pinned);
  rt::Task<void> give_back_point(EntryRef entry);

  // create_broken_off.cc: targets here whose source never came to know of them
  rt::Task<std::vector<EntryRef>> left_by(SystemId from, std::vector<RelationshipId> known);
  rt::Task<Result<>> withdraw(EntryRef entry);

  // While its target is made, here or elsewhere, a relationship is in no roster.
  class Making {
   public:
    Making(std::set<RelationshipId>& all, RelationshipId id) : all_(all), id_(id), first_(all.insert(id).second) {}
    ~Making() {
      if (first_) all_.erase(id_);
    }
    Making(const Making&) = delete;
    Making& operator=(const Making&) = delete;

   private:
    std::set<RelationshipId>& all_;
    RelationshipId id_;
    bool first_;
  };
  // Of the roster, and those.
  [[nodiscard]] std::vector<RelationshipId> known() const;

  rt::Task<Result<pool::Pool*>> choose(std::string asked, std::string source_pool, bool asked_by_name);

  const Ground& ground_;
  Pools& pools_;
  Peers& peers_;
  Roster& roster_;
  std::set<RelationshipId> making_;
};

}  // namespace lockstep::replica
