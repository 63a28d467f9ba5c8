// Extents: which parts of a volume hold data. What the overlay says comes first; then the block map.
#include <algorithm>

#include "pool/native/volume.h"

namespace lockstep::pool::native {

namespace {

enum class State : std::uint8_t { unknown, hole, zero, data };

struct Piece {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  State state = State::unknown;
};

State state_of(Hit::Kind kind) { return kind == Hit::Kind::zero ? State::hole : State::data; }

State state_of(store::EntryKind kind) {
  switch (kind) {
    case store::EntryKind::absent:
    case store::EntryKind::zero: return State::hole;
    default: return State::data;
  }
}

// Block numbers in [begin, end) at which what the overlay says may change.
void boundaries(const Level& level, std::uint64_t begin, std::uint64_t end, std::vector<std::uint64_t>& into) {
  auto note = [&](std::uint64_t at) {
    if (at > begin && at < end) into.push_back(at);
  };
  for (const VolumeLayer* layer : level.layers->layers) {
    if (layer->epoch() > level.upto) continue;
    for (const auto& [first, stretch] : layer->stretches().all()) {
      note(first);
      note(stretch.end);
    }
    layer->cells().each([&](const Cell& cell) {
      note(cell.block().value);
      note(cell.block().value + 1);
    });
  }
}

// Runs in which the overlay's answer is one.
std::vector<Piece> overlay_pieces(const Source& source, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::uint64_t> cuts{begin};
  for (const Level& level : source.levels) boundaries(level, begin, end, cuts);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    Piece piece{cuts[i], i + 1 < cuts.size() ? cuts[i + 1] : end, State::unknown};
    Hit hit = Reader::find(source.levels, Block{piece.begin});
    if (hit.kind != Hit::Kind::none) piece.state = state_of(hit.kind);
    if (!pieces.empty() && pieces.back().state == piece.state) pieces.back().end = piece.end;
    else pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace

rt::Task<Result<std::vector<BlockExtent>>> NativeVolume::extents(Bytes at, Bytes length, std::size_t most) {
  if (auto error = range_error(at, length.value, true)) co_return fail(std::move(*error));
  std::vector<BlockExtent> out;
  const std::uint64_t limit = at.value + length.value;
  // False when there is no room for another one.
  auto add = [&](std::uint64_t begin, std::uint64_t end, State state) {
    std::uint64_t from = std::max(begin * block_size, at.value);
    std::uint64_t to = std::min(end * block_size, limit);
    if (from >= to) return true;
    bool hole = state == State::hole;
    if (!out.empty() && out.back().hole == hole) {
      out.back().length = Bytes{to - out.back().at.value};
      return true;
    }
    if (out.size() >= most) return false;
    out.push_back(BlockExtent{.at = Bytes{from}, .length = Bytes{to - from}, .hole = hole, .zero = hole});
    return true;
  };
  if (length.value == 0 || most == 0) co_return out;
  for (const Piece& piece : overlay_pieces(source_, at.value / block_size, blocks_in(Bytes{limit}))) {
    if (piece.state != State::unknown) {
      if (!add(piece.begin, piece.end, piece.state)) co_return out;
      continue;
    }
    for (std::uint64_t block = piece.begin; block < piece.end;) {
      store::View view{source_.volume, is_head() ? access_.core.catalog.epoch : source_.upto};
      CO_TRY(auto found, co_await access_.core.store->extents(view, Block{block}, 256));
      if (found.empty()) {   // the map ends before the volume does
        if (!add(block, piece.end, State::hole)) co_return out;
        break;
      }
      for (const auto& extent : found) {
        std::uint64_t begin = std::max(extent.block.value, block);
        std::uint64_t end = std::min(extent.block.value + extent.count, piece.end);
        if (begin >= end) continue;
        if (begin > block && !add(block, begin, State::hole)) co_return out;
        if (!add(begin, end, state_of(extent.kind))) co_return out;
        block = end;
      }
      if (found.back().block.value + found.back().count <= block && block < piece.end && found.size() < 256) {
        if (!add(block, piece.end, State::hole)) co_return out;
        break;
      }
    }
  }
  co_return out;
}

}  // namespace lockstep::pool::native
