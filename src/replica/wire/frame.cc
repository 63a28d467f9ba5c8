#include "replica/wire/frame.h"

#include <algorithm>

namespace lockstep::replica {

Checksum body_checksum(Span message, Span heads) {
  if (heads.empty()) return checksum_of(message);
  if (message.empty()) return checksum_of(heads);
  Checksummer sum;
  sum.add(message);
  sum.add(heads);
  return sum.value();
}

void encode(const FrameHead& head, std::span<std::byte, frame_head_size> into) {
  std::byte* at = into.data();
  store_le(at, frame_magic);
  store_le(at + 4, frame_format);
  store_le(at + 6, static_cast<std::uint16_t>(head.type));
  store_le(at + 8, head.message);
  store_le(at + 12, head.heads);
  store_le(at + 16, head.data);
  store_le(at + 20, head.unpacked);
  store_le(at + 24, head.body.value);
  store_le(at + 32, checksum_of(into.first<32>()).value);
}

Result<FrameHead> decode_head(std::span<const std::byte, frame_head_size> bytes) {
  const std::byte* at = bytes.data();
  if (load_le<std::uint32_t>(at) != frame_magic)
    return fail(Code::corrupt, "frame: these bytes are not of this protocol");
  if (load_le<std::uint64_t>(at + 32) != checksum_of(bytes.first<32>()).value)
    return fail(Code::corrupt, "frame: its head does not match its checksum");
  auto format = load_le<std::uint16_t>(at + 4);
  if (format != frame_format) {
    return fail(Code::unsupported,
                "frame: format " + std::to_string(format) + " is newer than this system knows; update it");
  }
  FrameHead head;
  head.type = static_cast<FrameType>(load_le<std::uint16_t>(at + 6));
  head.message = load_le<std::uint32_t>(at + 8);
  head.heads = load_le<std::uint32_t>(at + 12);
  head.data = load_le<std::uint32_t>(at + 16);
  head.unpacked = load_le<std::uint32_t>(at + 20);
  head.body.value = load_le<std::uint64_t>(at + 24);
  bool packed_larger = head.unpacked != 0 && head.unpacked < head.data;
  if (head.message > message_most || head.heads > heads_most || head.data > data_most || head.unpacked > data_most || packed_larger) {
    return fail(Code::corrupt, "frame: larger than any frame may be");
  }
  return head;
}

Result<std::uint32_t> negotiate(Versions mine, Versions theirs) {
  std::uint32_t best = std::min(mine.newest, theirs.newest);
  if (best >= mine.oldest && best >= theirs.oldest && theirs.oldest <= theirs.newest) return best;
  return fail(Code::unsupported, "protocol: this system speaks " + std::to_string(mine.oldest) + " to " +
                                     std::to_string(mine.newest) + ", the other " +
                                     std::to_string(theirs.oldest) + " to " + std::to_string(theirs.newest) +
                                     "; update the older one");
}

}  // namespace lockstep::replica
