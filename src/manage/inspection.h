// Inspection: what a group holds at one point, by the map's checksums or by reading every block. Private to manage.
// On the pool's loop. It keeps a snapshot of its own, so that nobody is in its way: end() before it goes.
#pragma once

#include <vector>

#include "manage/model.h"

namespace lockstep::manage {

class Inspection {
 public:
  Inspection(pool::Pool& pool, GroupId group) : pool_(pool), group_(group) {}

  rt::Task<Result<>> begin();
  // Sizes and checksums of the volumes' contents. Reads the map, no data.
  rt::Task<Result<>> look_up(std::vector<Drill::Volume>& volumes);
  // Reads on for a while; false: all has been read. What cannot be read is noted at its volume.
  rt::Task<Result<bool>> read_on(std::vector<Drill::Volume>& volumes);
  rt::Task<void> end();

  [[nodiscard]] Bytes done() const { return done_; }
  [[nodiscard]] Bytes total() const { return total_; }

 private:
  rt::Task<Result<Bytes>> data_in(std::size_t index);

  pool::Pool& pool_;
  const GroupId group_;
  SnapshotId snapshot_;
  std::size_t count_ = 0;
  std::size_t volume_ = 0;       // where reading is
  Bytes at_;
  Bytes done_, total_;
};

}  // namespace lockstep::manage
