// Gate: when the writes of one group may be answered, over all of its relationships. The strictest claim
// wins. Lives on: the pool's loop; registered with the pool while it has claims.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"

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
};

class Gate final : public pool::Acks {
 public:
  Gate(pool::Pool& pool, GroupId group) : pool_(pool), group_(group) {}

  void add(Claim& claim);
  void remove(Claim& claim);
  [[nodiscard]] bool empty() const { return claims_.empty(); }
  void moved() { pool_.acks_moved(group_); }

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
};

// The gates of one pool, on its loop.
class Gates {
 public:
  explicit Gates(pool::Pool& pool) : pool_(pool) {}
  Gate& enter(GroupId group, Claim& claim);
  void leave(GroupId group, Claim& claim);  // the gate goes with its last claim

 private:
  pool::Pool& pool_;
  std::map<GroupId, std::unique_ptr<Gate>> gates_;
};

}  // namespace lockstep::replica
