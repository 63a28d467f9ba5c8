// Content: the bytes of a file, sparse. Copies share pages until one of them writes. Private to os/sim.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "base/base.h"

namespace lockstep::os::sim {

class Content {
 public:
  static constexpr std::uint64_t page_size = 4096;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t pages() const { return pages_.size(); }   // that take space
  // How many pages more [at, at+length) would take.
  [[nodiscard]] std::uint64_t pages_missing(std::uint64_t at, std::uint64_t length) const;

  void read(std::uint64_t at, MutSpan into) const;   // zeroes where nothing is, past the end too
  void write(std::uint64_t at, Span from);           // grows
  void truncate(std::uint64_t size);
  void allocate(std::uint64_t at, std::uint64_t length);
  void punch(std::uint64_t at, std::uint64_t length);

 private:
  using Page = std::array<std::byte, page_size>;
  Page& writable(std::uint64_t number);
  std::map<std::uint64_t, std::shared_ptr<Page>> pages_;   // null: takes space, reads as zeroes
  std::uint64_t size_ = 0;
};

}  // namespace lockstep::os::sim
