// Durability: a sync answers all commits that had gathered when it began. A few run at once, so that a commit that came too late for one
// does not wait for its end; what comes while all are running gathers. They count in the order in which they began: whoever is
// answered was covered by no sync that failed or may still fail, whichever of them the kernel tells of it.
#include <algorithm>
#include <utility>

#include "journal/log.h"

namespace lockstep::journal {
namespace {

constexpr Bytes near_most = 256_KiB;   // between two syncs

}  // namespace

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

// For somebody whom none that is under way will answer.
bool Log::wants_sync() const {
  if (waiters_.empty()) return false;
  return syncs_.empty() || (syncs_.size() < options_.syncs && std::min(wanted_, received_) > syncs_.back().upto);
}

// Bytes that a sync promises are never written again: the next batch begins on a fresh page. From the
// beginning of the sync on, since it may have written the page already when it ends.
void Log::align_end() {
  if (active_) end_ = Bytes{align_up(end_.value, page_size)};
}

rt::Task<void> Log::sync_written() {
  // Where little is written between syncs, the disk begins with it at once, while the clients still think of their flushes.
  syncs_are_near_ = since_sync_ <= near_most;
  since_sync_ = Bytes{0};
  align_end();
  std::vector<SegmentPtr> segments = unsynced_;
  auto sync = syncs_.insert(syncs_.end(), Sync{.upto = received_, .sequence = segments.back()->header.sequence});
  std::vector<Result<>> results(segments.size());
  Result<> others;
  rt::Scope beside(loop_);
  if (beside_sync_) beside.spawn(sync_beside(others));
#ifndef LOCKSTEP_CANARY   // lockstep-sim-canary leaves the sync out and claims it: only so that the simulator notices
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) beside.spawn(sync_segment(*segments[i], results[i]));
  results.back() = co_await segments.back()->file->sync();
#endif
  co_await beside.join();
  for (std::size_t i = 0; i < segments.size() && !failure_; ++i)
    if (!results[i]) fail_with(results[i].error().in("journal: segment " + segments[i]->name()));
  if (!others) fail_with(others.error().in("journal: beside its sync"));
  sync->ended = true;
  retire_syncs();
}

// One that ended well counts once all that began before it have; after a failure none counts any more.
void Log::retire_syncs() {
  bool moved = false;
  for (; !syncs_.empty() && syncs_.front().ended; syncs_.pop_front()) {
    if (failure_) continue;
    const Sync& sync = syncs_.front();
    durable_ = std::max(durable_, sync.upto);
    // All but the last of them were full before the sync began. The last may have been written since; and a
    // file may be in a later use.
    std::erase_if(unsynced_, [&](const SegmentPtr& s) { return s->header.sequence < sync.sequence; });
    moved = true;
  }
  if (moved) resume_waiters();
  if (!waiters_.empty()) arm();
}

rt::Task<void> Log::sync_segment(Segment& segment, Result<>& result) { result = co_await segment.file->sync(); }

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
