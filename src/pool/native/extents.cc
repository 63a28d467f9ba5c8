// Extents: which parts of a volume hold data. What the overlay says comes first; then the block map.
#include <algorithm>

#include "pool/native/volume.h"

namespace lockstep::pool::native {

namespace {

constexpr std::uint64_t blocks_looked_up = 1024;   // a range this short is asked block by block
constexpr std::size_t finds_per_turn = 1024;
constexpr std::size_t map_extents = 256;           // asked of the store at a time

struct Piece {   // blocks of which the overlay says one thing
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  Hit::Kind kind = Hit::Kind::none;
};

bool is_hole(Hit::Kind kind) { return kind == Hit::Kind::zero; }
bool is_hole(store::EntryKind kind) { return kind == store::EntryKind::absent || kind == store::EntryKind::zero; }

// Block numbers inside (begin, end) at which what the overlay says may change.
rt::Task<std::vector<std::uint64_t>> cuts_of(rt::Loop& loop, const Source& source, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::uint64_t> cuts{begin};
  auto note = [&](std::uint64_t at) {
    if (at > begin && at < end) cuts.push_back(at);
  };
  if (end - begin <= blocks_looked_up) {
    for (std::uint64_t at = begin + 1; at < end; ++at) note(at);
    co_return cuts;
  }
  for (const Level& level : source.levels) {
    for (const VolumeLayer* layer : level.layers->layers) {   // nothing is awaited in here: layers come and go
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
  const bool many = cuts.size() >= finds_per_turn;
  auto sort = [&cuts] {
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  };
  if (many) co_await rt::work(loop, sort);
  else sort();
  co_return cuts;
}

// What the overlay says at each cut, merged. A layer that was dropped since the cuts were made is in the map by now.
rt::Task<std::vector<Piece>> pieces_of(rt::Loop& loop, const Source& source, std::uint64_t begin, std::uint64_t end) {
  auto cutting = cuts_of(loop, source, begin, end);
  std::vector<std::uint64_t> cuts = co_await cutting;
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    if (i % finds_per_turn == finds_per_turn - 1) co_await rt::yield(loop);
    Piece piece{cuts[i], i + 1 < cuts.size() ? cuts[i + 1] : end, Reader::find(source.levels, Block{cuts[i]}).kind};
    if (piece.kind == Hit::Kind::direct) piece.kind = Hit::Kind::data;
    if (!pieces.empty() && pieces.back().kind == piece.kind) pieces.back().end = piece.end;
    else pieces.push_back(piece);
  }
  co_return pieces;
}

// Grows by one extent after the other, in address order.
struct Extents {
  std::uint64_t from, limit;   // bytes
  std::size_t most;
  std::vector<BlockExtent> list{};

  // False when there is no room for another one.
  bool add(std::uint64_t begin, std::uint64_t end, bool hole, bool remote = false) {
    std::uint64_t first = std::max(begin * block_size, from);
    std::uint64_t last = std::min(end * block_size, limit);
    if (first >= last) return true;
    if (!list.empty() && list.back().hole == hole && list.back().remote == remote) {
      list.back().length = Bytes{last - list.back().at.value};
      return true;
    }
    if (list.size() >= most) return false;
    list.push_back(BlockExtent{.at = Bytes{first}, .length = Bytes{last - first}, .hole = hole, .zero = hole, .remote = remote});
    return true;
  }
};

}  // namespace

rt::Task<Result<std::vector<BlockExtent>>> NativeVolume::extents(Bytes at, Bytes length, std::size_t most) {
  if (auto error = range_error(at, length.value, true)) co_return fail(std::move(*error));
  Extents out{at.value, at.value + length.value, most};
  if (length.value == 0 || most == 0) co_return std::move(out.list);
  rt::Loop& loop = access_.core.loop;
  // Where nothing is known here, it is not called a hole; zeroes of whole leaves that are not in the map yet look the same meanwhile.
  const bool filling = is_head() && access_.core.is_filling(source_.volume);
  auto add_unset = [&](std::uint64_t begin, std::uint64_t end) { return out.add(begin, end, !filling, filling); };
  auto looking = pieces_of(loop, source_, at.value / block_size, blocks_in(Bytes{out.limit}));
  std::vector<Piece> pieces = co_await looking;
  for (const Piece& piece : pieces) {
    if (piece.kind != Hit::Kind::none) {
      if (!out.add(piece.begin, piece.end, is_hole(piece.kind))) co_return std::move(out.list);
      continue;
    }
    for (std::uint64_t block = piece.begin; block < piece.end;) {
      store::View view{source_.volume, is_head() ? access_.core.catalog.epoch : source_.upto};
      CO_TRY(auto found, co_await access_.core.store->extents(view, Block{block}, map_extents));
      const std::uint64_t before = block;
      for (const auto& extent : found) {
        std::uint64_t end = std::min(extent.block.value + extent.count, piece.end);
        if (end <= block) continue;
        if (extent.block.value > block && !add_unset(block, std::min(extent.block.value, piece.end))) co_return std::move(out.list);
        const std::uint64_t first = std::max(extent.block.value, block);
        const bool unset = extent.kind == store::EntryKind::absent;
        if (unset ? !add_unset(first, end) : !out.add(first, end, is_hole(extent.kind))) co_return std::move(out.list);
        block = end;
      }
      if (block == before) {   // the map ends before the volume does
        if (!add_unset(block, piece.end)) co_return std::move(out.list);
        break;
      }
    }
  }
  co_return std::move(out.list);
}

}  // namespace lockstep::pool::native
