// Reservation: blocks of data space, admitted, that go back unless a record takes them.
#pragma once

#include "store/store.h"

namespace lockstep::pool::native {

class Reservation {
 public:
  Reservation(store::Store& store, std::uint64_t blocks) : store_(store), blocks_(blocks) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() {
    if (blocks_ > 0) store_.unreserve(blocks_);
  }
  void taken() { blocks_ = 0; }

 private:
  store::Store& store_;
  std::uint64_t blocks_;
};

}  // namespace lockstep::pool::native
