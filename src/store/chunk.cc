#include "store/chunk.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "store/intervals.h"
#include "store/varint.h"

namespace lockstep::store {
namespace {

constexpr std::uint8_t format = 1;
constexpr std::uint8_t flag_carried = 1;
constexpr std::uint64_t block_most = 1ull << 52;   // blocks of 4 KiB that 64 bits of bytes can count

void put_zeroes(Writer& w, const std::vector<Chunk::Zero>& zeroes) {
  put_varint(w, zeroes.size());
  for (const auto& zero : zeroes) {
    put_varint(w, zero.volume.value);
    put_varint(w, zero.epoch.value);
    put_varint(w, zero.first);
    put_varint(w, zero.end - zero.first);
  }
}

bool get_zeroes(Reader& r, std::vector<Chunk::Zero>& zeroes) {
  std::uint64_t count = 0;
  if (!get_varint(r, count) || count > r.left()) return false;
  zeroes.resize(count);
  for (auto& zero : zeroes) {
    std::uint64_t length = 0;
    if (!get_varint(r, zero.volume.value) || !get_varint(r, zero.epoch.value) || !get_varint(r, zero.first) || !get_varint(r, length)) return false;
    if (length == 0 || length > ~0ull - zero.first) return false;
    zero.end = zero.first + length;
  }
  return true;
}

auto group_of(const Chunk::Item& item) { return std::tuple(item.volume, item.epoch); }
auto key_of(const Chunk::Item& item) { return std::tuple(item.volume, item.epoch, item.block); }

// Items of one volume and epoch share their head; blocks ascend, places mostly follow each other.
void put_items(Writer& w, const std::vector<Chunk::Item>& items) {
  put_varint(w, items.size());
  for (std::size_t at = 0; at < items.size();) {
    std::size_t end = at;
    while (end < items.size() && group_of(items[end]) == group_of(items[at])) ++end;
    put_varint(w, items[at].volume.value);
    put_varint(w, items[at].epoch.value);
    put_varint(w, end - at);
    std::uint64_t block = 0;
    std::uint64_t place = 0;
    for (; at < end; ++at) {
      const auto& item = items[at];
      put_varint(w, item.block.value - block);   // from one past the block before
      block = item.block.value + 1;
      auto kind = item.slot.kind();
      w.u8(static_cast<std::uint8_t>(kind));
      if (kind == EntryKind::placed || kind == EntryKind::bad) {
        put_difference(w, item.slot.place().value, place);
        place = item.slot.place().value + 1;
      }
      if (!item.slot.is_hole()) w.u64(item.slot.sum);
    }
  }
}

bool get_items(Reader& r, std::vector<Chunk::Item>& items) {
  std::uint64_t count = 0;
  if (!get_varint(r, count) || count > r.left()) return false;
  items.reserve(count);
  while (items.size() < count) {
    Chunk::Item item;
    std::uint64_t in_group = 0;
    if (!get_varint(r, item.volume.value) || !get_varint(r, item.epoch.value) || !get_varint(r, in_group)) return false;
    if (in_group == 0 || in_group > count - items.size()) return false;
    if (!items.empty() && group_of(items.back()) >= group_of(item)) return false;
    std::uint64_t block = 0;
    std::uint64_t place = 0;
    for (std::uint64_t i = 0; i < in_group; ++i) {
      std::uint64_t gap = 0;
      if (!get_varint(r, gap) || gap > ~0ull - 1 - block) return false;
      item.block = Block{block + gap};
      block = item.block.value + 1;
      std::uint8_t kind = r.u8();
      if (kind > static_cast<std::uint8_t>(EntryKind::remote)) return false;
      item.slot = Slot{std::uint64_t{kind} << 60, 0};
      if (item.slot.kind() == EntryKind::placed || item.slot.kind() == EntryKind::bad) {
        std::uint64_t at = 0;
        if (!get_difference(r, at, place) || at >= place_most) return false;
        item.slot.what |= at;
        place = at + 1;
      }
      if (!item.slot.is_hole()) item.slot.sum = r.u64();
      items.push_back(item);
    }
  }
  return r.ok();
}

}  // namespace

Buffer encode_chunk(const Chunk& chunk) {
  Buffer out;
  out.reserve(64 + chunk.items.size() * 13 + chunk.folded.size() * 4);
  Writer w(out);
  w.u8(format);
  w.u8(chunk.carried ? flag_carried : 0);
  put_varint(w, chunk.folded.size());
  LeafId before;
  for (const LeafId& id : chunk.folded) {
    put_difference(w, id.volume.value, before.volume.value);
    put_difference(w, id.leaf, before.leaf);
    before = id;
  }
  put_zeroes(w, chunk.cut);
  put_zeroes(w, chunk.zeroes);
  put_items(w, chunk.items);
  return out;
}

Result<Chunk> decode_chunk(Span bytes) {
  auto bad = [](const char* what) { return fail(Code::corrupt, what); };
  Reader r(bytes);
  if (r.u8() != format) return bad("a delta format unknown to this release");
  std::uint8_t flags = r.u8();
  if (flags & ~flag_carried) return bad("a delta flag unknown to this release");
  Chunk chunk;
  chunk.carried = flags & flag_carried;
  std::uint64_t folded = 0;
  if (!get_varint(r, folded) || folded > r.left()) return bad("a delta row cut short");
  chunk.folded.resize(folded);
  LeafId before;
  for (LeafId& id : chunk.folded) {
    if (!get_difference(r, id.volume.value, before.volume.value) || !get_difference(r, id.leaf, before.leaf)) return bad("a delta row cut short");
    before = id;
  }
  if (!get_zeroes(r, chunk.cut) || !get_zeroes(r, chunk.zeroes)) return bad("an interval of a delta row that cannot be");
  if (!get_items(r, chunk.items)) return bad("an item of a delta row that cannot be");
  if (!r.ok() || r.left() != 0) return bad("a delta row cut short or with bytes after its end");
  return chunk;
}

Result<Normalised> normalise(std::vector<MapChange> changes) {
  // Zero runs: whole leaves become intervals, the rest items. `age` is the position in the commit.
  struct Aged {
    Chunk::Item item;
    std::uint64_t age;
  };
  std::vector<Aged> items;
  std::map<std::pair<VolumeId, Epoch>, Intervals<std::uint64_t>> zeroes;   // the age of the last one
  std::uint64_t age = 0;
  for (const MapChange& change : changes) {
    ++age;
    std::uint64_t count = change.zero_count + change.entries.size();
    if ((change.zero_count != 0 && !change.entries.empty()) || count > block_most || change.block.value > block_most - count)
      return fail(Code::invalid, "a map change is either entries or a zero run, inside the volume");
    auto add = [&](std::uint64_t block, Slot slot) { items.push_back({{change.volume, change.epoch, Block{block}, slot}, age}); };
    for (std::size_t i = 0; i < change.entries.size(); ++i) add(change.block.value + i, slot_of(change.entries[i]));
    if (change.zero_count == 0) continue;
    std::uint64_t end = change.block.value + change.zero_count;
    std::uint64_t first_leaf = (change.block.value + leaf_blocks - 1) / leaf_blocks;
    std::uint64_t end_leaf = end / leaf_blocks;
    if (first_leaf < end_leaf) {
      zeroes[{change.volume, change.epoch}].assign(first_leaf, end_leaf, age);
      for (std::uint64_t b = end_leaf * leaf_blocks; b < end; ++b) add(b, zero_slot);
      end = first_leaf * leaf_blocks;
    }
    for (std::uint64_t b = change.block.value; b < end; ++b) add(b, zero_slot);
  }
  std::sort(items.begin(), items.end(), [](const Aged& a, const Aged& b) {
    return std::tuple(key_of(a.item), a.age) < std::tuple(key_of(b.item), b.age);
  });
  // An item counts unless a later item or a later zero run of its epoch covers it.
  auto zeroed_after = [&](const Aged& a) {
    auto of = zeroes.find({a.item.volume, a.item.epoch});
    if (of == zeroes.end()) return false;
    const std::uint64_t* last = of->second.find(leaf_of(a.item.block));
    return last != nullptr && *last > a.age;
  };
  Normalised out;
  std::vector<Place> kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& item = items[i].item;
    bool last = i + 1 == items.size() || key_of(items[i + 1].item) != key_of(item);
    bool counts = last && !zeroed_after(items[i]);
    if (counts) out.chunk.items.push_back(item);
    if (item.slot.place().value != 0) (counts ? kept : out.dropped).push_back(item.slot.place());
  }
  keep_only_in_first(out.dropped, kept);
  for (const auto& [of, intervals] : zeroes)
    for (const auto& [first, held] : intervals.all()) {
      auto& list = out.chunk.zeroes;
      if (!list.empty() && list.back().volume == of.first && list.back().epoch == of.second && list.back().end == first) list.back().end = held.end;
      else list.push_back({of.first, of.second, first, held.end});
    }
  return out;
}

void keep_only_in_first(std::vector<Place>& first, std::vector<Place>& second) {
  if (first.empty()) return;
  std::sort(first.begin(), first.end());
  first.erase(std::unique(first.begin(), first.end()), first.end());
  std::sort(second.begin(), second.end());
  std::vector<Place> left;
  std::set_difference(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(left));
  first = std::move(left);
}

}  // namespace lockstep::store
