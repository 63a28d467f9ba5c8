// Reader: batches of one segment, one after the other, in big reads.
#pragma once

#include <optional>
#include <string>

#include "journal/batch.h"
#include "journal/segment.h"

namespace lockstep::journal {

struct FoundBatch {
  BatchHeader header;
  Bytes at;
  std::vector<Record> records;
  [[nodiscard]] Bytes end() const { return at + Bytes{header.length}; }
};

class SegmentReader {
 public:
  // From `at` on, which is where a batch begins or the one before ended. Reads `piece` bytes at a time, or a
  // batch if that is longer.
  SegmentReader(std::shared_ptr<SlabPool> slabs, SegmentPtr segment, Bytes at, std::size_t piece);

  // The next batch, if it begins with `first`, follows `before` (when given) and is whole; else nothing, and
  // why() says what was found at broken_at(). A batch begins where the one before it ended or at the next
  // multiple of a page. Errors are the file's.
  rt::Task<Result<std::optional<FoundBatch>>> next(Lsn first, std::optional<Checksum> before);

  // The highest LSN that any batch header of this use at or behind `at` says was durable; 0 if there is none.
  // For after a break: it looks at every byte to the end of the segment. `any_use`: for a file whose own
  // header cannot be read.
  rt::Task<Result<Lsn>> durable_behind(Bytes at, bool any_use = false);

  // The first header of a batch of this use at or behind `at` that begins with a record after `after` and not after `upto`. Its records
  // are not looked at. The reader goes on there: next() reads that batch.
  struct FoundBatchHeader {
    BatchHeader header;
    Bytes at;
  };
  rt::Task<Result<std::optional<FoundBatchHeader>>> find(Bytes at, Lsn after, Lsn upto);
  void go_to(Bytes at) { at_ = at; }

  [[nodiscard]] Bytes at() const { return at_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] Bytes broken_at() const { return broken_at_; }

 private:
  rt::Task<Result<>> load(Bytes at, std::size_t length);
  [[nodiscard]] Span window(Bytes at, std::size_t length) const;
  [[nodiscard]] bool ours(const BatchHeader& header) const;

  std::shared_ptr<SlabPool> slabs_;
  SegmentPtr segment_;
  Bytes at_;
  std::size_t piece_;
  std::shared_ptr<Slab> slab_;  // shared with the records that were read from it
  Bytes window_at_;
  std::size_t window_length_ = 0;
  std::string why_;
  Bytes broken_at_;
};

}  // namespace lockstep::journal
