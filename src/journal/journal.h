// Journal: every write of a pool, in order, until the store has it and nobody else needs it.
// Promises: a record is in the journal file before received() covers it; commit() returns what survives a power cut;
//           replay yields all of that, then at most whole records that were in flight, and nothing behind a break.
// Refuses:  reordering, merging, dropping; appending after a failed sync (the pool reopens by replay instead).
// Lives on: one loop.   On disk: docs/formats/journal.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/base.h"
#include "journal/record.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::journal {

struct Options {
  Bytes segment_size = 64_MiB;       // written with zeroes once, recycled afterwards
  Bytes batch_max = 4_MiB;           // a record with more data than this is refused: callers split
  std::uint32_t spare_segments = 2;  // kept ready ahead of need
  std::uint32_t syncs = 4;           // at once: a flush need not wait for the end of another's sync before its own begins
  std::uint32_t free_segments_max = 32;   // recycled segments kept for reuse; more are deleted
  Bytes recent = 32_MiB;             // of batches kept in memory for read()
  Bytes slab = 1_MiB;                // batches are built in slabs of this size; one held record keeps its slab
  Bytes writeback_step = 1_MiB;      // the kernel is asked to begin writing each time this much is new
};

// What opening found.
struct Opened;

class Journal {
 public:
  virtual ~Journal() = default;

  // On the journal's loop.

  // Copies `record` (its spans too) into the batch of this turn and gives it the next LSN. Where record.origin is none, its origin
  // becomes (generation passed in record.origin.generation, that LSN). The returned record's spans and `hold` point at the copy.
  // A time before that of the last record becomes that time; with flag_elsewhere a record keeps its own, and moves nobody else's.
  // Nothing is in the file until received() reaches it: the batch is written at the end of this turn, or by push().
  // `invalid`: the record's parts do not fit together, or it is too large. Once failed(): the error that failed the journal.
  virtual Result<Record> append(const Record& record) = 0;

  // Writes the open batch now.
  virtual Result<> push() = 0;

  // Called in the turn in which received() moved (after the write), at most once a batch; and once when the journal fails.
  virtual void on_received(rt::Callback callback) = 0;

  // Waits until everything up to `lsn` survives a power cut; syncs in groups. An error is final for this journal.
  virtual rt::Task<Result<>> commit(Lsn lsn) = 0;

  // Awaited beside every sync, begun when the sync begins: for what received records name but do not hold (the data of direct ones).
  // durable() moves only when both have succeeded; its error is an error of the sync.
  virtual void beside_sync(std::function<rt::Task<Result<>>()> also) = 0;

  [[nodiscard]] virtual Lsn appended() const = 0;   // last LSN given
  [[nodiscard]] virtual Lsn received() const = 0;   // in the file
  [[nodiscard]] virtual Lsn durable() const = 0;    // survives a power cut
  [[nodiscard]] virtual Lsn first() const = 0;      // oldest LSN that can still be read; received() + 1 when there is none
  [[nodiscard]] virtual bool failed() const = 0;    // a write or sync failed: append and commit refuse
  [[nodiscard]] virtual Bytes room() const = 0;     // what appends may still take in segments that are ready; when it runs out and
                                                    // no segment can be made (no_space), the journal fails
  // Asks for room again after an attempt to make a segment failed. The error of the last attempt, or none while one is under way.
  virtual std::optional<Error> want_room() = 0;

  // Received records after `after`, in order, at least one if there is one, up to about `at_most` bytes; from memory where recent, else
  // from the file, verified (`corrupt` names segment and offset).
  // `changed` when `after` lies before first() - 1: those records are gone.
  virtual rt::Task<Result<std::vector<Record>>> read(Lsn after, Bytes at_most) = 0;

  // Bytes of journal that hold records after `after`.
  [[nodiscard]] virtual Bytes bytes_after(Lsn after) const = 0;
  // The newest record whose time is not after `time`; 0 when none is left. Exact where no record is of flag_elsewhere.
  [[nodiscard]] virtual rt::Task<Result<Lsn>> at_time(WallTime time) = 0;

  // Segments all of whose records are <= `upto` may be reused. `checkpoint_lsn`: what the metadata now holds; it is written into the
  // oldest remaining segment's header (synced) before a segment is reused. `invalid` when upto > checkpoint_lsn.
  virtual rt::Task<Result<>> trim(Lsn upto, Lsn checkpoint_lsn) = 0;

  // After it nothing is in flight; synced, marked clean. The journal accepts nothing more. Needed before destruction, after a failure too.
  virtual rt::Task<Result<>> close() = 0;
};

struct Opened {
  std::unique_ptr<Journal> journal;
  Lsn last;                              // last whole record found
  Lsn checkpoint_lsn;                    // from the oldest segment's header: metadata older than this must not be opened
  bool clean = false;                    // closed by close()
  std::optional<std::string> damage;     // a break before data known durable: segment and offset. The pool opens read-only; the
                                         // journal then reads, and refuses append and trim: nothing on disk is touched.
};

using OnRecord = std::function<Result<>(const Record&)>;
// Are the data that this direct record names what its checksums say, and do they survive a power cut (synced, then compared)? False
// cuts the journal before that record; what was believed is called durable from then on.
using Believe = std::function<rt::Task<Result<bool>>(const Record&)>;

// Opens or creates the journal of pool `pool` in directory `directory`. `on_record` is called on the loop for each record after `from`, in
// order, and may refuse one, which ends the opening with that error. `durable_known`: an LSN that the metadata says was durable.
// `believe` is asked, before on_record, for direct records that are not known to have been durable; without it they are believed.
// Everything delivered is durable when this returns, and the next append goes to a fresh segment whose header is synced already.
rt::Task<Result<Opened>> open(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool, Options options, Lsn from, Lsn durable_known,
                              OnRecord on_record, Believe believe = {});

}  // namespace lockstep::journal
