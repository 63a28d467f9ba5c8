// Format: the bytes of a segment and of a batch. docs/formats/journal.md says the same in words, with an
// example.
#pragma once

#include <optional>
#include <string>

#include "base/base.h"

namespace lockstep::journal {

inline constexpr std::uint64_t page_size = 4096;  // what the kernel writes at once; unit of padding
inline constexpr std::uint64_t segment_data_start = 2 * page_size;  // behind the two copies of the header
inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t batch_header_size = 72;
inline constexpr std::size_t record_head_size = 88;  // without checksums, places and payload

[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t n, std::uint64_t to) {
  return (n + to - 1) / to * to;
}

struct SegmentHeader {
  PoolId pool;
  Bytes size;                     // of the file
  std::uint64_t sequence = 0;     // one more at each use of any segment; never twice
  std::uint64_t follows = 0;      // sequence of the segment before it; 0: none
  std::uint64_t incarnation = 0;  // one more at each open
  std::uint64_t edition = 0;    // one more each time this file's header is written; copy edition % 2 holds it
  std::uint64_t use = 0;        // random: what carries it was written in this use of the file
  std::uint64_t kept_from = 0;  // segments of a lower sequence are trimmed, whatever they hold
  Lsn first;        // LSN of the first record here; what the segment before says of it or later ones is void
  Checksum before;  // of the batch that holds record `first` - 1; 0: none
  Bytes previous_end;  // where the data of the segment before end
  WallTime time;       // of record `first` - 1
  Lsn durable;         // known durable when this was written
  Lsn checkpoint;      // metadata older than this must not be opened
  bool clean = false;  // the journal was closed after record `durable`

  bool operator==(const SegmentHeader&) const = default;
};

enum class HeaderState {
  valid,
  blank,
  broken,
  foreign,
  unsupported
};  // blank: zeroes; foreign: not a journal's bytes

struct FoundHeader {
  HeaderState state = HeaderState::blank;
  SegmentHeader header;       // when valid
  std::uint32_t version = 0;  // when valid or unsupported
};

// One page.
[[nodiscard]] Buffer encode(const SegmentHeader& header);
// One copy, at least one page.
[[nodiscard]] FoundHeader decode_segment_header(Span bytes);
// The better of both copies; `bytes` are the first segment_data_start of the file.
[[nodiscard]] FoundHeader choose_segment_header(Span bytes);

struct BatchHeader {
  std::uint32_t length = 0;       // bytes, header included; multiple of 8
  std::uint32_t records = 0;      // at least 1
  std::uint64_t use = 0;          // as in the segment's header
  std::uint64_t incarnation = 0;  // likewise
  Lsn first;
  Lsn durable;        // known durable when this was written
  Checksum before;    // `checksum` of the batch before it, in this segment or the one it follows
  Checksum heads;     // of the last record's head; each head holds that of the head before it
  Checksum checksum;  // of all above

  [[nodiscard]] Lsn last() const { return Lsn{first.value + records - 1}; }
};

// Writes batch_header_size bytes and sets header.checksum.
void encode(BatchHeader& header, std::byte* at) noexcept;
// Nothing when these bytes are not a whole, unbroken batch header.
[[nodiscard]] std::optional<BatchHeader> decode_batch_header(Span bytes) noexcept;
// Quick: could a batch header begin here? At least 8 bytes.
[[nodiscard]] bool has_batch_magic(const std::byte* at) noexcept;

}  // namespace lockstep::journal
