// Recovery: from the files of a directory to an open journal.
//   find     read every header; order the segments that count
//   replay   follow the chain of batches; deliver what is known to be durable as it goes, the rest at the end
//   judge    a break: torn tail, or damage of something that was durable
//   settle   sync what was found, begin a fresh segment
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "journal/log.h"
#include "journal/reader.h"

namespace lockstep::journal {

class Recovery {
 public:
  Recovery(Log& log, Lsn from, Lsn durable_known, OnRecord on_record, Believe believe)
      : log_(log),
        from_(from),
        durable_(std::max(from, durable_known)),
        on_record_(std::move(on_record)),
        believe_(std::move(believe)) {}

  // Fills everything but `journal`.
  rt::Task<Result<>> run(Opened& opened);

 private:
  rt::Task<Result<>> find();
  rt::Task<Result<>> create();
  Result<> order(std::vector<SegmentPtr> segments, const std::vector<FoundHeader>& found);
  rt::Task<Result<>> replay();
  rt::Task<Result<bool>> replay_segment(std::size_t index);
  [[nodiscard]] bool next_begins_here(std::size_t index) const;
  rt::Task<Result<>> judge(std::size_t index, SegmentReader& broken);
  rt::Task<Result<bool>> pass_over(std::size_t index, SegmentReader& broken);
  void take(std::size_t index, FoundBatch batch);
  rt::Task<Result<>> deliver(bool all);
  void cut_before(std::size_t record);
  rt::Task<Result<>> settle();

  Log& log_;
  const Lsn from_;
  Lsn durable_;  // known to have been durable: by the metadata, by what was read so far
  const OnRecord on_record_;
  const Believe believe_;

  struct Undelivered {
    FoundBatch batch;
    WallTime time_before;  // of the record before it
  };
  std::deque<Undelivered> undelivered_;
  Lsn last_;                            // of the last record that counts
  Checksum last_batch_;                 // of the batch that holds it
  WallTime last_time_;                  // its time
  std::vector<SegmentPtr> unused_;      // files that hold nothing that counts
  std::vector<SegmentPtr> lost_;        // likewise, but only when the fresh segment is durable
  std::vector<SegmentPtr> unreadable_;  // those of unused_ whose header is neither valid nor blank
  bool clean_ = false;
};

}  // namespace lockstep::journal
