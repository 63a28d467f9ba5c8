// Mender: what a pool asks when it meets a damaged block: the relationships' other ends. One per pool.
// Promises: a block that the other end asks for because its own is damaged is not asked back for: two damaged ends fail, they do not
//           wait for each other; each damaged place is told of once.
// Lives on: the pool's loop; asks and tells on the control loop.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/base.h"
#include "pool/pool.h"
#include "rt/rt.h"

namespace lockstep::replica {

struct GoodCopy {
  Buffer bytes;
  std::string from;   // "system 'b'"
};

class Mender final : public pool::Repair {
 public:
  using Ask = std::function<rt::Task<Result<GoodCopy>>(PoolId pool, VolumeUuid volume, Block block, Checksum expected)>;
  using Tell = std::function<void(std::string volume, bool repaired, std::string cause)>;

  // `ask` and `tell` are called on `control`.
  Mender(pool::Pool& pool, rt::Loop& control, Ask ask, Tell tell);
  ~Mender() override;

  // Stands in front of the pool until leave().
  rt::Task<void> enter();
  rt::Task<void> leave();

  rt::Task<Result<Buffer>> good_copy(VolumeId volume, Block block, Checksum expected) override;
  void met(const pool::Damage& damage) override;

  // For the other end, whose block is damaged: what this pool has that is what the checksum says.
  rt::Task<Result<Buffer>> give(VolumeUuid volume, Block block, Checksum expected);

 private:
  using Key = std::pair<VolumeId, Block>;
  rt::Task<Result<Buffer>> look(VolumeId volume, Block block, Checksum expected);

  static constexpr std::size_t told_most = 4096;
  pool::Pool& pool_;
  rt::Loop& control_;
  const Ask ask_;
  const Tell tell_;
  std::multiset<Key> giving_;
  std::set<std::pair<std::string, bool>> told_;   // where, repaired
  std::string from_;                              // who gave the last copy
  std::size_t asking_ = 0;
  bool leaving_ = false;
  rt::Signal idle_;
};

}  // namespace lockstep::replica
