// Frame: the unit on the wire. 40 bytes of head, a Protobuf message, binary heads, data.
// docs/formats/wire.md, byte by byte. Everything but the data is covered by the frame's checksums; data are
// covered by the block checksums in the heads.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/base.h"

namespace lockstep::replica {

enum class FrameType : std::uint16_t {
  failure = 1,  // ends the connection; why
  hello = 2,
  welcome = 3,
  join = 4,
  joined = 5,
  // control
  request = 16,
  reply = 17,
  heartbeat = 18,
  // data, source to target
  source_hello = 32,
  stream_begin = 33,
  batch = 34,
  want_durable = 35,
  pass_begin = 36,
  pass_end = 37,
  keep = 38,
  compare_begin = 39,
  compare_end = 40,
  hashes_wanted = 41,
  entries_wanted = 42,
  reclaim = 43,
  state = 44,
  verify_begin = 45,
  verify_wanted = 46,
  verify_end = 47,
  fetched = 48,
  // data, target to source
  target_hello = 64,
  stream_ready = 65,
  ack = 66,
  pass_ready = 67,
  changes = 68,
  pass_done = 69,
  kept = 70,
  compare_ready = 71,
  hashes = 72,
  entries = 73,
  reclaim_end = 74,
  verify_answer = 75,
  fetch_wanted = 76,
};

inline constexpr std::uint16_t ignorable = 0x8000;  // set in a type: a receiver that does not know it goes on

inline constexpr std::uint32_t frame_magic = 0x6b74536c;  // "lStk"
inline constexpr std::uint16_t frame_format = 1;
inline constexpr std::size_t frame_head_size = 40;
inline constexpr std::uint32_t message_most = 1U << 20;
inline constexpr std::uint32_t heads_most = 4U << 20;
inline constexpr std::uint32_t data_most = 40U << 20;  // a write may be 32 MiB, and travels whole

struct FrameHead {
  FrameType type = FrameType::failure;
  std::uint32_t message = 0, heads = 0, data = 0;  // bytes
  std::uint32_t unpacked = 0;                      // of packed data: what comes out; 0: they are as they are
  Checksum body;                                   // of message, then heads
};

[[nodiscard]] Checksum body_checksum(Span message, Span heads);
void encode(const FrameHead& head, std::span<std::byte, frame_head_size> into);
// `corrupt` for what is not a frame, `unsupported` for a format from the future.
[[nodiscard]] Result<FrameHead> decode_head(std::span<const std::byte, frame_head_size> bytes);

// Versions of the protocol inside: each system speaks its own and the one before.
inline constexpr std::uint32_t protocol_newest = 1;
inline constexpr std::uint32_t protocol_oldest = 1;
struct Versions {
  std::uint32_t oldest = protocol_oldest, newest = protocol_newest;
};
[[nodiscard]] Result<std::uint32_t> negotiate(Versions mine, Versions theirs);

}  // namespace lockstep::replica
