// Asks: what one end asks the other for beside the stream, and how much at a time.
#pragma once

#include <cstdint>

namespace lockstep::replica {

// A target that is filled, of its source: blocks in one FetchWanted.
inline constexpr std::uint64_t fetch_most = 256;

// A source, of its target, while both are compared: VerifyWanted.kind.
enum class VerifyAsk : std::uint32_t { hashes = 1, entries = 2, read = 3 };
inline constexpr std::uint32_t verify_hashes_most = 8192;   // 4 GiB of a volume
inline constexpr std::uint32_t verify_read_most = 32;       // 16 MiB

}  // namespace lockstep::replica
