#include "store/leaf.h"

#include "store/varint.h"

namespace lockstep::store {
namespace {

constexpr std::uint8_t format = 1;

bool holds_place(EntryKind kind) { return kind == EntryKind::placed || kind == EntryKind::bad; }
bool holds_sum(EntryKind kind) { return holds_place(kind) || kind == EntryKind::remote; }

// A run: equal kinds and, where there are places, one after the other.
bool continues(const Slot& before, const Slot& slot) {
  if (before.kind() != slot.kind()) return false;
  return !holds_place(slot.kind()) || slot.place().value == before.place().value + 1;
}

}  // namespace

Buffer encode_leaf(const LeafContent& content) {
  Buffer out;
  out.reserve(1700);
  Writer w(out);
  w.u8(format);
  std::uint64_t expected = 0;
  for (std::size_t at = 0; at < leaf_blocks;) {
    std::size_t end = at + 1;
    while (end < leaf_blocks && continues(content[end - 1], content[end])) ++end;
    EntryKind kind = content[at].kind();
    put_varint(w, (end - at - 1) << 3 | static_cast<std::uint64_t>(kind));
    if (holds_place(kind)) {
      put_difference(w, content[at].place().value, expected);
      expected = content[end - 1].place().value + 1;
    }
    if (holds_sum(kind))
      for (std::size_t i = at; i < end; ++i) w.u64(content[i].sum);
    at = end;
  }
  return out;
}

Result<LeafContent> decode_leaf(Span bytes) {
  auto bad = [](const char* what) { return fail(Code::corrupt, what); };
  Reader r(bytes);
  if (r.u8() != format) return bad("a leaf format unknown to this release");
  LeafContent content;
  std::uint64_t expected = 0;
  for (std::size_t at = 0; at < leaf_blocks;) {
    std::uint64_t head = 0;
    if (!get_varint(r, head)) return bad("a leaf cut short");
    std::uint64_t count = (head >> 3) + 1;
    auto kind = static_cast<EntryKind>(head & 7);
    if (kind > EntryKind::remote || count > leaf_blocks - at) return bad("a run of a leaf that cannot be");
    std::uint64_t place = 0;
    if (holds_place(kind)) {
      if (!get_difference(r, place, expected) || place > place_most - count) return bad("a place of a leaf that cannot be");
      expected = place + count;
    }
    for (std::size_t end = at + count; at < end; ++at)
      content[at] = Slot{static_cast<std::uint64_t>(kind) << 60 | (holds_place(kind) ? place++ : 0), holds_sum(kind) ? r.u64() : 0};
  }
  if (!r.ok() || r.left() != 0) return bad("a leaf cut short or with bytes after its end");
  return content;
}

}  // namespace lockstep::store
