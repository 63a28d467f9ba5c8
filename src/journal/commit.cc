// Durability: commits gather while a sync runs, and one sync answers all that had gathered when it began.
#include <algorithm>
#include <utility>

#include "journal/log.h"

namespace lockstep::journal {

rt::Task<Result<>> Log::commit(Lsn lsn) {
  if (lsn <= durable_) co_return Result<>{};
  CO_TRY_VOID(refuse_if_over());
  if (lsn > appended_)
    co_return fail(Code::invalid, "journal: commit of record " + std::to_string(lsn.value) +
                                      ", but the last is " + std::to_string(appended_.value));
  wanted_ = std::max(wanted_, lsn);
  arm();  // what this turn still appends goes with it
  CommitWait wait{.log = *this, .lsn = lsn};
  co_return co_await wait;
}

// Several at once are not offered before what a failing one means for those beside it is proven: whatever Options::syncs says, one runs.
constexpr std::uint32_t syncs_proven = 1;

// For somebody whom none that runs will answer.
bool Log::wants_sync() const {
  if (waiters_.empty()) return false;
  return syncs_ == 0 || (syncs_ < std::min(options_.syncs, syncs_proven) && std::min(wanted_, received_) > syncing_upto_);
}

// Bytes that a sync promises are never written again: the next batch begins on a fresh page. From the
// beginning of the sync on, since it may have written the page already when it ends.
void Log::align_end() {
  if (active_) end_ = Bytes{align_up(end_.value, page_size)};
}

rt::Task<void> Log::sync_written() {
  ++syncs_;
  align_end();
  Lsn upto = received_;
  syncing_upto_ = std::max(syncing_upto_, upto);
  std::vector<SegmentPtr> segments = unsynced_;
  std::uint64_t last_sequence = segments.back()->header.sequence;
  std::optional<Error> error;
  Result<> others;
  rt::Scope beside(loop_);
  if (beside_sync_) beside.spawn(sync_beside(others));
#ifndef LOCKSTEP_CANARY   // lockstep-sim-canary leaves the sync out and claims it: only so that the simulator notices
  for (const SegmentPtr& segment : segments) {
    auto synced = co_await segment->file->sync();
    if (!synced) {
      error = synced.error().in("journal: segment " + segment->name());
      break;
    }
  }
#endif
  co_await beside.join();
  if (!error && !others) error = others.error().in("journal: beside its sync");
  --syncs_;
  if (error) {
    fail_with(std::move(*error));
    co_return;
  }
  durable_ = std::max(durable_, upto);
  // All but the last of them were full before the sync began. The last may have been written since; and a
  // file may be in a later use.
  std::erase_if(unsynced_, [&](const SegmentPtr& s) { return s->header.sequence < last_sequence; });
  resume_waiters();
  if (!waiters_.empty()) arm();
}

rt::Task<void> Log::sync_beside(Result<>& result) { result = co_await beside_sync_(); }

void Log::resume_waiters() {
  std::erase_if(waiters_, [this](Waiter& waiter) {
    if (waiter.lsn > durable_) {
      if (!failure_) return false;
      *waiter.result = fail(*failure_);
    }
    loop_.post(waiter.handle);
    return true;
  });
}

rt::Task<Result<>> Log::close() {
  if (std::exchange(closing_, true))
    co_return fail(Code::cancelled, directory_.path() + ": the journal is closed");
  scope_.stop().request();  // a segment being made is given up
  if (!failure_ && !damage_) {
    close_batch();
    write_batches();
  }
  co_await scope_.join();
  while (trimming_) co_await trimmed_.wait();
  // Without a segment for what waits, the next one is made here; nothing else makes one now.
  rt::Stop never;
  while (!failure_ && !damage_ && !waiting_.empty()) {
    auto made = co_await directory_.make(options_.segment_size, nullptr, never);
    if (!made) {
      fail_with(made.error());
      break;
    }
    free_.push_back(std::move(*made));
    write_batches();
  }
  co_await scope_.join();
  if (!failure_ && !damage_) co_await sync_written();
  if (!failure_ && !damage_) {
    Segment& last = *live_.back();
    SegmentHeader marked = last.header;
    marked.clean = true;
    marked.durable = durable_;
    marked.checkpoint = checkpoint_;
    marked.kept_from = kept_from_;
    auto written = last.write_header(marked);
    if (written) written = co_await last.file->sync();
    if (!written) fail_with(written.error().in("journal: segment " + last.name()));
  }
  co_await scope_.join();
  open_.reset();
  waiting_.clear();
  recent_.clear();
  slab_.reset();
  if (failure_) co_return fail(*failure_);
  co_return Result<>{};
}

}  // namespace lockstep::journal
