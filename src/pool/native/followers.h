// Followers: what relationships claim of the journal. One that lags behind its budget gets a change map instead; the fold and the new
// trim LSN are one commit, so there is no instant at which neither knows what a target lacks.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "pool/native/core.h"

namespace lockstep::pool::native {

class Followers {
 public:
  explicit Followers(Core& core) : core_(core) {}

  rt::Task<Result<>> set(store::FollowerRow row);
  rt::Task<Result<>> set_budget(RelationshipId follower, Bytes budget);
  void durable(RelationshipId follower, Lsn lsn);
  void stretch(RelationshipId follower, Bytes least);
  rt::Task<Result<>> drop(RelationshipId follower);
  rt::Task<Result<>> fold(RelationshipId follower, Lsn upto);
  rt::Task<Result<>> clear(RelationshipId follower, Lsn upto);
  rt::Task<Result<std::uint64_t>> blocks_lacking(RelationshipId follower, Lsn after);

  // For the checkpoint up to `upto`: adds what is to be folded or cleared, and the rows as they will be. Reads the journal.
  rt::Task<Result<>> prepare(Lsn upto, store::Commit& commit);
  // That commit is durable: the rows become so in the live catalogue too.
  void committed();
  // No follower will read a record at or before this: what only those name may be used again.
  [[nodiscard]] Lsn released(Lsn upto) const;
  // The journal may be trimmed up to here, as far as followers are concerned. The record that a follower's claim begins after stays
  // readable, so that a target's position can be found again after a restart.
  [[nodiscard]] Lsn trimmable(Lsn upto) const;
  // Times and origins that nobody will ask for any more.
  void forget_times(Lsn floor);
  // Somebody claims more of the journal than he may: a checkpoint ends that.
  [[nodiscard]] bool over_budget() const;
  // Something that only a checkpoint does.
  [[nodiscard]] bool waiting() const { return !wishes_.empty(); }
  // Somebody claims less of the journal than a restart would find.
  [[nodiscard]] bool moved() const;

 private:
  struct Wish {
    bool clear = false;
    Lsn upto;
  };
  struct Planned {
    RelationshipId follower;
    bool mapped = false;
    Lsn mapped_upto;
    Lsn durable;
    std::uint64_t edition = 0;
  };
  // The journal is claimed after this. A map that the target has gone past is nothing any more.
  [[nodiscard]] static Lsn known(const store::FollowerRow& row) { return row.mapped ? std::max(row.mapped_upto, row.durable) : row.durable; }
  [[nodiscard]] bool is_covered(Lsn lsn) const;
  [[nodiscard]] Lsn claimed_after(const store::FollowerRow& row) const;
  // The least that a claim begins after, less `kept` records; `upto` where nobody claims anything.
  [[nodiscard]] Lsn least_claim(Lsn upto, Lsn kept) const;
  [[nodiscard]] bool is_over_budget(const store::FollowerRow& row) const;
  [[nodiscard]] Bytes budget_of(const store::FollowerRow& row) const;
  rt::Task<Result<store::ChangeMapUpdate>> changes_of(RelationshipId follower, GroupId group, Lsn after, Lsn upto);
  rt::Task<Result<>> wish(RelationshipId follower, bool clear, Lsn upto);

  Core& core_;
  std::multimap<RelationshipId, Wish> wishes_;
  std::vector<Planned> planned_;
  std::map<RelationshipId, Lsn> at_rest_;              // what a restart would find as known(): the journal after it stays
  std::set<RelationshipId> unreadable_;                // what they claim of the journal is damaged
  std::map<RelationshipId, Bytes> stretched_;          // what may be kept where the budget is less
  [[nodiscard]] bool begins_after(RelationshipId follower, Lsn upto) const;

  std::map<RelationshipId, Lsn> begun_;   // the record that begins it anew: a checkpoint that does not cover it must leave the follower alone
  std::map<RelationshipId, std::uint64_t> editions_;   // one more each time a follower is begun anew
};

}  // namespace lockstep::pool::native
