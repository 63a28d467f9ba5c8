// Log: the journal over a directory of segments. What is open in memory becomes a batch, a batch goes to the
// active segment with one write, syncs cover what was written when they began.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/batch.h"
#include "journal/journal.h"
#include "journal/segment.h"

namespace lockstep::journal {

// What is wrong with these options, if anything.
[[nodiscard]] Result<> check(const Options& options);

class Log final : public Journal {
 public:
  Log(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool, Options options);
  ~Log() override;

  Result<Record> append(const Record& record) override;
  Result<> push() override;
  void on_received(rt::Callback callback) override { on_received_ = std::move(callback); }
  rt::Task<Result<>> commit(Lsn lsn) override;
  void beside_sync(std::function<rt::Task<Result<>>()> also) override { beside_sync_ = std::move(also); }
  [[nodiscard]] Lsn appended() const override { return appended_; }
  [[nodiscard]] Lsn received() const override { return received_; }
  [[nodiscard]] Lsn durable() const override { return durable_; }
  [[nodiscard]] Lsn first() const override;
  [[nodiscard]] bool failed() const override { return failure_.has_value(); }
  [[nodiscard]] Bytes room() const override;
  std::optional<Error> want_room() override;
  rt::Task<Result<std::vector<Record>>> read(Lsn after, Bytes at_most) override;
  [[nodiscard]] Bytes bytes_after(Lsn after) const override;
  rt::Task<Result<Lsn>> at_time(WallTime time) override;
  rt::Task<Result<>> trim(Lsn upto, Lsn checkpoint_lsn) override;
  rt::Task<Result<>> close() override;

 private:
  friend class Recovery;
  using BatchPtr = std::shared_ptr<Batch>;  // shared with every record in it: what a holder keeps stays

  struct Waiter {
    Lsn lsn;
    std::coroutine_handle<> handle;
    Result<>* result;
  };
  struct Sync {
    Lsn upto;                // received when it began
    std::uint64_t sequence;  // of the active segment then
    bool ended = false;
  };
  struct CommitWait {
    Log& log;
    Lsn lsn;
    Result<> result{};
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) { log.waiters_.push_back({lsn, h, &result}); }
    Result<> await_resume() { return std::move(result); }
  };
  // Outlives the journal: what was asked for the end of a turn finds here whether there still is one.
  struct Alive {
    Log* log;
  };

  // Writing (write.cc).
  Result<> refuse_if_over() const;
  void open_batch(std::size_t encoded);
  void close_batch();
  void arm();  // turn_end() at the end of this turn
  void turn_end();
  void write_batches();            // as many as there are segments for
  bool write_batch(Batch& batch);  // false: no segment is ready, or failed
  bool next_segment();
  void remember(BatchPtr batch);
  void ask_for_writeback(bool all);
  void fail_with(Error error);  // final
  void tell_received();

  // Syncing (commit.cc).
  [[nodiscard]] bool wants_sync() const;
  rt::Task<void> sync_written();
  void retire_syncs();
  static rt::Task<void> sync_segment(Segment& segment, Result<>& result);
  rt::Task<void> sync_beside(Result<>& result);
  void align_end();
  void resume_waiters();

  // Segments (supply.cc).
  [[nodiscard]] SegmentHeader next_header() const;
  void want_spares();
  rt::Task<void> make_spares();
  void set_free(SegmentPtr segment);
  rt::Task<void> delete_surplus();

  // Reading (read.cc).
  [[nodiscard]] bool is_recent(Lsn lsn) const;
  [[nodiscard]] Result<std::vector<Record>> read_recent(Lsn after, Bytes at_most) const;
  [[nodiscard]] std::size_t segment_of(Lsn lsn) const;  // index in live_

  os::Host& host_;
  rt::Loop& loop_;
  const PoolId pool_;
  const Options options_;
  Directory directory_;
  std::shared_ptr<SlabPool> slabs_;
  std::shared_ptr<Alive> alive_;
  rt::Callback on_received_;
  std::function<rt::Task<Result<>>()> beside_sync_;

  // Positions.
  Lsn appended_, received_, durable_;
  WallTime last_time_;  // of record appended_
  std::optional<Error> failure_;
  std::optional<std::string> damage_;  // found at open: nothing on disk is touched
  bool closing_ = false;

  // In memory.
  BatchPtr open_;                 // grows; null when nothing was appended since the last
  std::deque<BatchPtr> waiting_;  // closed, not written yet
  std::shared_ptr<Slab> slab_;    // where the next batch begins
  std::size_t slab_used_ = 0;
  std::deque<BatchPtr> recent_;
  std::size_t recent_bytes_ = 0;
  bool armed_ = false;

  // On disk.
  std::deque<SegmentPtr> live_;       // in order; the last one is active
  std::vector<SegmentPtr> free_;      // the back is used first
  std::vector<SegmentPtr> surplus_;   // to be deleted
  std::vector<SegmentPtr> unsynced_;  // in order; the active one is always there
  bool active_ = false;               // live_.back() takes batches
  Bytes end_;                         // where the next batch goes in the active segment
  Bytes writeback_from_;
  Checksum before_;             // of the last batch written
  WallTime received_time_;      // of record received_
  std::uint64_t sequence_ = 0;  // highest ever given
  std::uint64_t incarnation_ = 0;
  std::uint64_t kept_from_ = 0;
  Lsn checkpoint_;

  // Under way.
  std::vector<Waiter> waiters_;
  Lsn wanted_;         // durable, by anybody
  std::list<Sync> syncs_;   // under way, in the order in which they began; those that ended wait for the ones before them
  Bytes since_sync_;        // written since the last one began
  bool syncs_are_near_ = false;   // from what was written by the last time
  bool making_ = false;
  std::optional<Error> make_error_;  // of the last attempt
  bool deleting_ = false;
  bool trimming_ = false;
  rt::Signal trimmed_;
  rt::Scope scope_;
};

}  // namespace lockstep::journal
