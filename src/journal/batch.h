// Batch: the records of one turn, laid out in a slab as they will lie in the segment.
// The header is written last (seal), when it is known what the batch follows and where it goes.
#pragma once

#include <memory>
#include <vector>

#include "journal/format.h"
#include "journal/record.h"
#include "journal/slab.h"

namespace lockstep::journal {

// Do the parts of this record fit together, and is it no larger than a batch may carry?
[[nodiscard]] Result<> check_shape(const Record& record, Bytes batch_max);

// Bytes it takes in a batch.
[[nodiscard]] std::size_t encoded_size(const Record& record) noexcept;

// What a batch of one largest record takes; a segment must hold it.
[[nodiscard]] constexpr std::uint64_t largest_batch(Bytes batch_max) {
  return align_up(batch_max.value + batch_max.value / 256 + page_size, page_size);
}

class Batch {
 public:
  // From `offset` of `slab` on, which has room for at least a header there. `first`: LSN of the first record.
  Batch(std::shared_ptr<Slab> slab, std::size_t offset, Lsn first)
      : slab_(std::move(slab)),
        bytes_(slab_->memory + offset),
        room_(slab_->capacity - offset),
        first_(first) {}

  [[nodiscard]] bool fits(std::size_t encoded) const { return encoded <= room_ - length_; }

  // Copies `record`, whose shape was checked and which fits. What is returned is `record` with its spans in
  // this batch; `hold` is left to the caller, who has the pointer.
  Record add(const Record& record) noexcept;

  // From here on nothing is added. `header` brings use, incarnation, durable, before; the rest, the checksum
  // too, is filled in.
  void seal(BatchHeader& header) noexcept;

  [[nodiscard]] Span bytes() const { return {bytes_, length_}; }
  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] std::uint32_t records() const { return records_; }
  [[nodiscard]] Lsn first() const { return first_; }
  [[nodiscard]] Lsn last() const { return Lsn{first_.value + records_ - 1}; }
  [[nodiscard]] WallTime first_time() const { return first_time_; }
  [[nodiscard]] WallTime last_time() const { return last_time_; }   // of what was written here first; 0: nothing was
  [[nodiscard]] const std::shared_ptr<Slab>& slab() const { return slab_; }
  [[nodiscard]] std::size_t end_offset() const {
    return static_cast<std::size_t>(bytes_ - slab_->memory) + length_;
  }

 private:
  std::shared_ptr<Slab> slab_;  // shared with the batches before and after it in the same slab
  std::byte* bytes_;
  std::size_t room_;
  std::size_t length_ = batch_header_size;
  std::uint32_t records_ = 0;
  Lsn first_;
  WallTime first_time_, last_time_;
  Checksum heads_;
};

enum class Verify {
  all,      // heads and data
  nothing,  // bytes that this process made: lengths only
};

// The records of a batch; `bytes` is header.length long and starts with the header. `corrupt` says what is
// wrong. Records point into `bytes`; `hold` is given to each.
[[nodiscard]] Result<std::vector<Record>> decode_records(const BatchHeader& header, Span bytes, Verify verify,
                                                         const std::shared_ptr<const void>& hold);

}  // namespace lockstep::journal
