// Busy: one operation at a time.
#pragma once

#include <utility>

#include "replica/roster/roster.h"

namespace lockstep::replica {

// Marks an entry busy for as long as it lives.
class Busy {
 public:
  Busy(EntryRef entry, Operation operation, CopyState requested) : entry_(std::move(entry)) {
    entry_->busy = true;
    entry_->operation = operation;
    entry_->requested = requested;
  }
  ~Busy() { entry_->busy = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  EntryRef entry_;
};

}  // namespace lockstep::replica
