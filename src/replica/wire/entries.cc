#include "replica/wire/entries.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t entry_size = 9;

// What a block reads as: the checksum of its bytes, or nothing when it cannot be read from here.
std::optional<Checksum> reads_as(const store::Entry& entry) {
  switch (entry.kind) {
    case store::EntryKind::absent:
    case store::EntryKind::zero: return checksum_of_zero_block();
    case store::EntryKind::placed: return entry.checksum;
    case store::EntryKind::bad:
    case store::EntryKind::remote: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Buffer encode_hashes(std::span<const Checksum> hashes) {
  Buffer bytes;
  bytes.reserve(hashes.size() * 8);
  Writer out(bytes);
  for (Checksum hash : hashes) out.checksum(hash);
  return bytes;
}

Result<std::vector<Checksum>> decode_hashes(Span bytes) {
  if (bytes.size() % 8 != 0) return fail(Code::corrupt, "leaf hashes: not a whole number of them");
  std::vector<Checksum> out(bytes.size() / 8);
  Reader in(bytes);
  for (auto& hash : out) hash = in.checksum();
  return out;
}

Buffer encode_entries(std::span<const store::Entry> entries) {
  Buffer bytes;
  bytes.reserve(entries.size() * entry_size);
  Writer out(bytes);
  for (const auto& entry : entries) {
    out.u8(static_cast<std::uint8_t>(entry.kind));
    out.checksum(entry.checksum);
  }
  return bytes;
}

Result<std::vector<store::Entry>> decode_entries(Span bytes) {
  if (bytes.size() % entry_size != 0 || bytes.size() > entry_size * store::leaf_blocks)
    return fail(Code::corrupt, "a leaf with more blocks than a leaf has");
  std::vector<store::Entry> out(bytes.size() / entry_size);
  Reader in(bytes);
  for (auto& entry : out) {
    std::uint8_t kind = in.u8();
    if (kind > static_cast<std::uint8_t>(store::EntryKind::remote))
      return fail(Code::corrupt, "a leaf with a block of an unknown kind");
    entry.kind = static_cast<store::EntryKind>(kind);
    entry.checksum = in.checksum();
  }
  return out;
}

Result<std::vector<std::vector<store::Entry>>> decode_leaves(Span bytes, std::size_t count) {
  constexpr std::size_t leaf_size = entry_size * store::leaf_blocks;
  if (bytes.size() != count * leaf_size) return fail(Code::corrupt, "entries: not of as many leaves as were asked for");
  std::vector<std::vector<store::Entry>> out;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(auto leaf, decode_entries(bytes.subspan(i * leaf_size, leaf_size)));
    out.push_back(std::move(leaf));
  }
  return out;
}

std::array<std::uint64_t, store::leaf_blocks / 64> difference(std::span<const store::Entry> a,
                                                              std::span<const store::Entry> b) {
  std::array<std::uint64_t, store::leaf_blocks / 64> mask{};
  for (std::size_t i = 0; i < store::leaf_blocks; ++i) {
    auto x = reads_as(i < a.size() ? a[i] : store::Entry{});
    auto y = reads_as(i < b.size() ? b[i] : store::Entry{});
    if (!x || !y || *x != *y) mask[i / 64] |= 1ULL << (i % 64);
  }
  return mask;
}

}  // namespace lockstep::replica
