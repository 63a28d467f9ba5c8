// Shared: what the connections of one database share instead of file locks, shared memory files and trust in the log's
// bytes. Any thread; one mutex, held for instants.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/base.h"

namespace lockstep::db {

class Shared {
 public:
  // File locks of SQLite: none, shared, reserved, pending, exclusive (0 to 4).
  bool lock(int& held, int wanted);
  void unlock(int& held, int wanted);
  [[nodiscard]] bool reserved();

  // The index of the log: slots that are held shared or exclusively, and regions that never move.
  struct Slots {
    std::uint32_t shared = 0;
    std::uint32_t exclusive = 0;
  };
  bool lock_slots(Slots& mine, int first, int count, bool exclusive);
  void unlock_slots(Slots& mine, int first, int count);
  [[nodiscard]] void* region(int number, int size, bool extend);   // null: not there
  void enter_index();
  void leave_index(Slots& mine);
  void barrier();

  // A failed sync is final: what it left behind is unknown, so nothing is written after it.
  void poison(const Error& error);
  [[nodiscard]] std::optional<Error> poisoned();

  // What each page of the log held when it was written, or when recovery last read (and itself checked) it.
  void log_page(std::uint64_t frame, Checksum checksum);
  void forget_log_pages(std::uint64_t first, std::uint64_t last);   // frames [first, last]
  [[nodiscard]] std::optional<Checksum> logged(std::uint64_t frame);

 private:
  static constexpr int slots = 8;
  std::mutex mutex_;
  int shared_locks_ = 0;
  int strongest_ = 0;          // reserved, pending or exclusive held by somebody; 0 if by nobody
  std::array<int, slots> slots_{};   // -1 exclusive, else how many hold it shared
  std::vector<std::unique_ptr<std::uint64_t[]>> regions_;
  int index_users_ = 0;
  std::optional<Error> poison_;
  std::vector<std::optional<Checksum>> logged_;
};

}  // namespace lockstep::db
