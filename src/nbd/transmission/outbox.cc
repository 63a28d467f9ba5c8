#include "nbd/transmission/outbox.h"

#include <algorithm>

namespace lockstep::nbd {

MutSpan Outbox::reserve(std::size_t size) {
  if (pieces_.empty() || !pieces_.back().open || pieces_.back().memory.size() - pieces_.back().end < size) {
    // A piece that nothing was committed to is of no more use.
    if (!pieces_.empty() && pieces_.back().begin == pieces_.back().end) {
      memories_.give(std::move(pieces_.back().memory));
      pieces_.pop_back();
    }
    pieces_.push_back(Piece{memories_.take(std::max(size, piece_size)), 0, 0, true});
  }
  Piece& last = pieces_.back();
  return last.memory.span().subspan(last.end, size);
}

void Outbox::commit(std::size_t size) {
  pieces_.back().end += size;
  bytes_ += size;
}

void Outbox::add(Memory memory, std::size_t begin, std::size_t end) {
  if (!pieces_.empty() && pieces_.back().begin == pieces_.back().end) {
    memories_.give(std::move(pieces_.back().memory));
    pieces_.pop_back();
  }
  pieces_.push_back(Piece{std::move(memory), begin, end, false});
  bytes_ += end - begin;
}

std::vector<Span> Outbox::parts() const {
  std::vector<Span> out;
  out.reserve(pieces_.size());
  for (const Piece& piece : pieces_) {
    if (piece.end > piece.begin) out.emplace_back(piece.memory.data() + piece.begin, piece.end - piece.begin);
  }
  return out;
}

std::size_t Outbox::parts(std::span<Span> into) const {
  std::size_t n = 0;
  for (const Piece& piece : pieces_) {
    if (n == into.size()) break;
    if (piece.end > piece.begin) into[n++] = Span{piece.memory.data() + piece.begin, piece.end - piece.begin};
  }
  return n;
}

void Outbox::sent(std::size_t n) {
  CHECK(n <= bytes_);
  bytes_ -= n;
  while (!pieces_.empty()) {
    Piece& piece = pieces_.front();
    std::size_t take = std::min(n, piece.end - piece.begin);
    piece.begin += take;
    n -= take;
    if (piece.begin < piece.end) return;
    memories_.give(std::move(piece.memory));
    pieces_.pop_front();
  }
}

void Outbox::clear() {
  pieces_.clear();
  bytes_ = 0;
}

}  // namespace lockstep::nbd
