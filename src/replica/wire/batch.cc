#include "replica/wire/batch.h"

namespace lockstep::replica {
namespace {

constexpr std::uint64_t blocks_most = 1ULL
                                      << 52;  // keeps block + count, and both in bytes, far from wrapping

Result<> check_record(const journal::Record& r, std::uint64_t data_length, std::uint64_t sums) {
  if (r.block.value > blocks_most || r.count > blocks_most)
    return fail(Code::corrupt, "batch: a record lies beyond every volume");
  switch (r.kind) {
    case journal::Kind::write:
      if (r.count == 0 || data_length != r.count * block_size || sums != r.count)
        return fail(Code::corrupt, "batch: a write whose lengths disagree");
      return {};
    case journal::Kind::zero:
      if (r.count == 0 || data_length != 0 || sums != 0)
        return fail(Code::corrupt, "batch: a zero record with data");
      return {};
    case journal::Kind::position:
      if (r.count != 0 || data_length != 0 || sums != 0)
        return fail(Code::corrupt, "batch: a position record with data");
      return {};
    default: return fail(Code::corrupt, "batch: a record of a kind that is not shipped");
  }
}

}  // namespace

void encode_heads(const Batch& batch, Buffer& into) {
  std::size_t room = batch_head_size;
  for (const auto& r : batch.records) room += record_head_size + r.checksums.size();
  into.reserve(into.size() + room);
  Writer out(into);
  out.u64(batch.sequence);
  out.origin(batch.from);
  out.origin(batch.to);
  out.u32(static_cast<std::uint32_t>(batch.records.size()));
  out.u32(0);
  for (const auto& r : batch.records) {
    out.u8(static_cast<std::uint8_t>(r.kind));
    out.u8(r.flags & (journal::flag_discard | journal::flag_resync));
    out.u16(static_cast<std::uint16_t>(r.volume.value));
    out.u32(static_cast<std::uint32_t>(r.data.size()));
    out.number(r.block);
    out.u64(r.count);
    out.u64(static_cast<std::uint64_t>(r.time.us));
    out.origin(r.origin);
    out.u32(static_cast<std::uint32_t>(r.checksums.size() / 8));
    out.u32(0);
    out.raw(Span(r.checksums.data(), r.checksums.size()));
  }
}

Result<Batch> decode_batch(Span heads, Span data, std::size_t members) {
  Reader in(heads);
  Batch batch;
  batch.sequence = in.u64();
  batch.from = in.origin();
  batch.to = in.origin();
  std::uint32_t count = in.u32();
  in.u32();
  if (!in.ok() || count > records_most || count > in.left() / record_head_size)
    return fail(Code::corrupt, "batch: shorter than it says");
  batch.records.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    journal::Record r;
    r.kind = static_cast<journal::Kind>(in.u8());
    r.flags = in.u8();
    r.volume = VolumeId{in.u16()};
    std::uint64_t length = in.u32();
    r.block = in.number<Block>();
    r.count = in.u64();
    r.time.us = static_cast<std::int64_t>(in.u64());
    r.origin = in.origin();
    std::uint64_t sums = in.u32();
    in.u32();
    Span checksums = in.raw(sums * 8);
    if (!in.ok() || length > data.size()) return fail(Code::corrupt, "batch: shorter than it says");
    TRY_VOID(check_record(r, length, sums));
    if (r.kind != journal::Kind::position && r.volume.value >= members)
      return fail(Code::corrupt, "batch: a record of a volume that is not in the group");
    r.checksums = checksums;
    r.data = data.first(length);
    data = data.subspan(length);
    batch.records.push_back(std::move(r));
  }
  if (in.left() != 0 || !data.empty()) return fail(Code::corrupt, "batch: longer than it says");
  return batch;
}

Result<> verify(const Batch& batch) {
  for (const auto& r : batch.records) {
    for (std::size_t i = 0; i < r.checksums.size() / 8; ++i) {
      if (checksum_of(r.data.subspan(i * block_size, block_size)) == r.checksum(i)) continue;
      return fail(Code::corrupt, "block " + std::to_string(r.block.value + i) + " of volume " +
                                     std::to_string(r.volume.value) +
                                     " of the group was damaged on its way here");
    }
  }
  return {};
}

Buffer encode_masks(std::span<const LeafMask> masks) {
  Buffer bytes;
  bytes.reserve(masks.size() * leaf_mask_size);
  Writer out(bytes);
  for (const auto& m : masks) {
    out.u32(m.member);
    out.u64(m.leaf);
    for (std::uint64_t word : m.mask) out.u64(word);
  }
  return bytes;
}

Result<std::vector<LeafMask>> decode_masks(Span bytes, std::size_t members) {
  if (bytes.size() % leaf_mask_size != 0)
    return fail(Code::corrupt, "leaf masks: not a whole number of them");
  std::vector<LeafMask> out(bytes.size() / leaf_mask_size);
  Reader in(bytes);
  for (auto& m : out) {
    m.member = in.u32();
    m.leaf = in.u64();
    for (auto& word : m.mask) word = in.u64();
    if (m.member >= members || m.leaf > blocks_most / store::leaf_blocks)
      return fail(Code::corrupt, "leaf masks: beyond every volume of the group");
  }
  return out;
}

}  // namespace lockstep::replica
