#include "journal/format.h"

#include <algorithm>

namespace lockstep::journal {
namespace {

constexpr std::uint64_t segment_magic = 0x4745534A'5054534C;  // "LSTPJSEG"
constexpr std::uint64_t batch_magic = 0x48435442'5054534C;    // "LSTPBTCH"
constexpr std::size_t segment_header_size = 160;
constexpr std::uint64_t flag_clean = 1;

}  // namespace

Buffer encode(const SegmentHeader& h) {
  Buffer bytes;
  bytes.reserve(page_size);
  Writer w(bytes);
  w.u64(segment_magic);
  w.u32(format_version);
  w.u32(segment_header_size);
  w.id(h.pool);
  w.number(h.size);
  w.u64(h.sequence);
  w.u64(h.follows);
  w.u64(h.incarnation);
  w.u64(h.edition);
  w.u64(h.use);
  w.u64(h.kept_from);
  w.number(h.first);
  w.checksum(h.before);
  w.number(h.previous_end);
  w.u64(static_cast<std::uint64_t>(h.time.us));
  w.number(h.durable);
  w.number(h.checkpoint);
  w.u64(h.clean ? flag_clean : 0);
  w.u64(0);
  w.checksum(checksum_of(bytes));
  CHECK(bytes.size() == segment_header_size);
  bytes.resize(page_size);
  return bytes;
}

FoundHeader decode_segment_header(Span bytes) {
  FoundHeader found;
  if (bytes.size() < page_size) {
    found.state = is_zero(bytes) ? HeaderState::blank : HeaderState::broken;
    return found;
  }
  Reader r(bytes);
  bool ours = r.u64() == segment_magic;
  if (!ours) {
    found.state = is_zero(bytes.first(page_size)) ? HeaderState::blank : HeaderState::foreign;
    return found;
  }
  found.state = HeaderState::broken;
  found.version = r.u32();
  std::uint32_t length = r.u32();  // says where the checksum is, in every version
  if (length < 24 || length > page_size) return found;
  if (load_le<std::uint64_t>(bytes.data() + length - 8) != checksum_of(bytes.first(length - 8)).value)
    return found;
  if (found.version != format_version) {
    found.state = HeaderState::unsupported;
    return found;
  }
  if (length != segment_header_size) return found;
  SegmentHeader& h = found.header;
  h.pool = r.id<PoolId>();
  h.size = r.number<Bytes>();
  h.sequence = r.u64();
  h.follows = r.u64();
  h.incarnation = r.u64();
  h.edition = r.u64();
  h.use = r.u64();
  h.kept_from = r.u64();
  h.first = r.number<Lsn>();
  h.before = r.checksum();
  h.previous_end = r.number<Bytes>();
  h.time.us = static_cast<std::int64_t>(r.u64());
  h.durable = r.number<Lsn>();
  h.checkpoint = r.number<Lsn>();
  std::uint64_t flags = r.u64();
  h.clean = flags & flag_clean;
  if (h.size.value < segment_data_start || h.size.value % page_size != 0) return found;
  if (h.sequence == 0 || h.follows >= h.sequence || h.first.value == 0 || (flags & ~flag_clean) != 0)
    return found;
  found.state = HeaderState::valid;
  return found;
}

FoundHeader choose_segment_header(Span bytes) {
  FoundHeader a = decode_segment_header(bytes.first(std::min<std::size_t>(bytes.size(), page_size)));
  FoundHeader b = decode_segment_header(bytes.subspan(std::min<std::size_t>(bytes.size(), page_size)));
  auto has = [&](HeaderState s) { return a.state == s || b.state == s; };
  if (has(HeaderState::unsupported)) return a.state == HeaderState::unsupported ? a : b;
  if (a.state == HeaderState::valid && b.state == HeaderState::valid)
    return a.header.edition > b.header.edition ? a : b;
  if (has(HeaderState::valid)) return a.state == HeaderState::valid ? a : b;
  if (has(HeaderState::broken)) return a.state == HeaderState::broken ? a : b;
  if (has(HeaderState::foreign)) return a.state == HeaderState::foreign ? a : b;
  return a;
}

void encode(BatchHeader& h, std::byte* at) noexcept {
  store_le(at, batch_magic);
  store_le(at + 8, h.length);
  store_le(at + 12, h.records);
  store_le(at + 16, h.use);
  store_le(at + 24, h.incarnation);
  store_le(at + 32, h.first.value);
  store_le(at + 40, h.durable.value);
  store_le(at + 48, h.before.value);
  store_le(at + 56, h.heads.value);
  h.checksum = checksum_of(Span(at, batch_header_size - 8));
  store_le(at + 64, h.checksum.value);
}

bool has_batch_magic(const std::byte* at) noexcept { return load_le<std::uint64_t>(at) == batch_magic; }

std::optional<BatchHeader> decode_batch_header(Span bytes) noexcept {
  if (bytes.size() < batch_header_size || !has_batch_magic(bytes.data())) return std::nullopt;
  const std::byte* at = bytes.data();
  BatchHeader h;
  h.length = load_le<std::uint32_t>(at + 8);
  h.records = load_le<std::uint32_t>(at + 12);
  h.use = load_le<std::uint64_t>(at + 16);
  h.incarnation = load_le<std::uint64_t>(at + 24);
  h.first.value = load_le<std::uint64_t>(at + 32);
  h.durable.value = load_le<std::uint64_t>(at + 40);
  h.before.value = load_le<std::uint64_t>(at + 48);
  h.heads.value = load_le<std::uint64_t>(at + 56);
  h.checksum.value = load_le<std::uint64_t>(at + 64);
  if (checksum_of(bytes.first(batch_header_size - 8)) != h.checksum) return std::nullopt;
  if (h.length % 8 != 0 || h.records == 0 || h.first.value == 0) return std::nullopt;
  if (h.length < batch_header_size + std::uint64_t{h.records} * record_head_size) return std::nullopt;
  return h;
}

}  // namespace lockstep::journal
