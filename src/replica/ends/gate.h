// Gate: when the writes of one group may be answered, over all of its relationships. The strictest claim
// wins. Lives on: the pool's loop; registered with the pool while it has claims.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/wire/siblings.h"
#include "replica/wire/way.h"
#include "rt/rt.h"

namespace lockstep::replica {

inline constexpr Lsn no_limit{~std::uint64_t{0}};

class Claim {
 public:
  virtual ~Claim() = default;
  [[nodiscard]] virtual Lsn received_there() const = 0;  // no_limit where targets have no say
  [[nodiscard]] virtual Lsn durable_there() const = 0;
  [[nodiscard]] virtual std::optional<Error> refuses() const = 0;
  [[nodiscard]] virtual Duration pace() const = 0;
  virtual Duration hold() = 0;
  virtual void want_durable(Lsn lsn) = 0;
  [[nodiscard]] virtual Sibling as_sibling() const = 0;
};

class Gate final : public pool::Acks {
 public:
  Gate(pool::Pool& pool, GroupId group) : pool_(pool), group_(group), reclaims_(pool.loop(), 1) {}

  void add(Claim& claim);
  void remove(Claim& claim);
  [[nodiscard]] bool empty() const { return claims_.empty(); }
  void moved() { pool_.acks_moved(group_); }
  [[nodiscard]] std::vector<Sibling> siblings_of(const Claim& claim) const;
  [[nodiscard]] rt::Budget& reclaims() { return reclaims_; }  // one target at a time gives back what the source lost

  [[nodiscard]] Lsn received_elsewhere() const override;
  [[nodiscard]] Lsn durable_elsewhere() const override;
  void durable_wanted(Lsn lsn) override;
  [[nodiscard]] std::optional<Error> refuses_writes() const override;
  [[nodiscard]] Duration pace() const override;
  Duration hold() override;

 private:
  pool::Pool& pool_;
  GroupId group_;
  std::vector<Claim*> claims_;
  rt::Budget reclaims_;
};

// The gates of one pool, on its loop.
class Gates {
 public:
  explicit Gates(pool::Pool& pool) : pool_(pool) {}
  Gate& enter(GroupId group, Claim& claim);
  void leave(GroupId group, Claim& claim);  // the gate goes with its last claim

  // To a group that is a target, as its source said last.
  void set_way(GroupId group, Way way) { ways_[group] = std::move(way); }
  [[nodiscard]] Way way_to(GroupId group) const;
  // Whether it has all that its source had when that spoke last.
  void set_level(GroupId group, bool level);
  [[nodiscard]] bool is_level(GroupId group) const { return level_.contains(group); }

 private:
  pool::Pool& pool_;
  std::map<GroupId, std::unique_ptr<Gate>> gates_;
  std::map<GroupId, Way> ways_;
  std::set<GroupId> level_;
};

}  // namespace lockstep::replica
