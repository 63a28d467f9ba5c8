// Outbox: replies in the order they will leave. Data are put right behind their header and never copied
// again.
#pragma once

#include <deque>
#include <vector>

#include "nbd/transmission/memory.h"

namespace lockstep::nbd {

class Outbox {
 public:
  explicit Outbox(Memories& memories) : memories_(memories) {}

  // Room for `size` bytes in one piece, behind everything else. Nothing leaves before commit(); what is not
  // committed never was.
  MutSpan reserve(std::size_t size);
  void commit(std::size_t size);  // of what was reserved last, from its start
  // Memory that holds a reply in [begin, end).
  void add(Memory memory, std::size_t begin, std::size_t end);

  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // What is to be sent, in order. Valid until sent(); more may be added meanwhile.
  [[nodiscard]] std::vector<Span> parts() const;
  // The first pieces, as many as fit into `into`; returns how many.
  std::size_t parts(std::span<Span> into) const;
  void sent(std::size_t n);
  void clear();

 private:
  struct Piece {
    Memory memory;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool open = false;  // may still be appended to
  };
  static constexpr std::size_t piece_size = 128 * 1024;

  Memories& memories_;
  std::deque<Piece> pieces_;
  std::size_t bytes_ = 0;
};

}  // namespace lockstep::nbd
