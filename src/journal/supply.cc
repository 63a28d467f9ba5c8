// The supply of segments: made ahead of need, recycled by trim, deleted when there are too many.
#include <algorithm>
#include <utility>

#include "journal/log.h"

namespace lockstep::journal {

// Of the segment that is about to be used.
SegmentHeader Log::next_header() const {
  SegmentHeader header;
  header.pool = pool_;
  header.size = options_.segment_size;
  header.sequence = sequence_ + 1;
  header.incarnation = incarnation_;
  header.use = host_.random().u64();
  header.first = received_ + Lsn{1};
  header.before = before_;
  header.time = received_time_;
  header.durable = durable_;
  header.checkpoint = checkpoint_;
  header.kept_from = kept_from_;
  if (!live_.empty()) {
    header.follows = live_.back()->header.sequence;
    header.previous_end = live_.back()->end;
  }
  return header;
}

Bytes Log::room() const {
  Bytes room{0};
  if (active_ && live_.back()->size > end_) room += live_.back()->size - end_;
  for (const SegmentPtr& segment : free_) room += segment->size - Bytes{segment_data_start};
  Bytes taken{open_ ? open_->length() : 0};
  for (const BatchPtr& batch : waiting_) taken += Bytes{batch->length()};
  return room > taken ? room - taken : Bytes{0};
}

std::optional<Error> Log::want_room() {
  std::optional<Error> last = making_ ? std::nullopt : std::exchange(make_error_, std::nullopt);
  if (!last) want_spares();
  return last;
}

void Log::want_spares() {
  if (making_ || closing_ || failure_ || damage_ || free_.size() >= options_.spare_segments) return;
  making_ = true;
  scope_.spawn(make_spares());
}

rt::Task<void> Log::make_spares() {
  while (!closing_ && !failure_ && free_.size() < options_.spare_segments) {
    auto made = co_await directory_.make(options_.segment_size, nullptr, scope_.stop());
    if (!made) {
      make_error_ = made.error();
      // Nothing is lost while there is a segment to write to; the next change of segment tries again. Without
      // one, waiting would never end.
      if (!waiting_.empty() && free_.empty() && !closing_) fail_with(made.error());
      break;
    }
    free_.insert(free_.begin(), std::move(*made));  // those used before are likelier to be in the page cache
    if (!waiting_.empty() && !closing_) {
      write_batches();
      if (!waiters_.empty()) arm();
    }
  }
  making_ = false;
}

void Log::set_free(SegmentPtr segment) {
  if (segment->size == options_.segment_size && free_.size() < options_.free_segments_max) {
    free_.push_back(std::move(segment));
    return;
  }
  surplus_.push_back(std::move(segment));
  if (deleting_ || closing_ || failure_) return;  // the next open finds what is left
  deleting_ = true;
  scope_.spawn(delete_surplus());
}

// A deleted segment that a power cut brings back is one that kept_from has ruled out.
rt::Task<void> Log::delete_surplus() {
  while (!closing_ && !failure_ && !surplus_.empty()) {
    SegmentPtr segment = std::move(surplus_.back());
    surplus_.pop_back();
    std::string file = segment->name();
    segment.reset();
    if (auto removed = co_await directory_.remove(file); !removed) break;  // the next open finds it
  }
  deleting_ = false;
}

rt::Task<Result<>> Log::trim(Lsn upto, Lsn checkpoint_lsn) {
  if (upto > checkpoint_lsn) {
    co_return fail(Code::invalid, "journal: trim to " + std::to_string(upto.value) +
                                      " beyond the checkpoint at " + std::to_string(checkpoint_lsn.value));
  }
  while (trimming_) co_await trimmed_.wait();
  CO_TRY_VOID(refuse_if_over());
  checkpoint_ = std::max(checkpoint_, checkpoint_lsn);
  // A segment ends where the next one begins. The active one stays.
  std::size_t gone = 0;
  while (gone + 1 < live_.size() && live_[gone + 1]->header.first <= upto + Lsn{1}) ++gone;
  if (gone == 0) co_return Result<>{};
  trimming_ = true;
  SegmentPtr oldest = live_[gone];
  SegmentHeader header = oldest->header;
  header.checkpoint = checkpoint_;
  header.kept_from = header.sequence;
  Result<> done = oldest->write_header(header);
  if (done) done = co_await oldest->file->sync();
  trimming_ = false;
  trimmed_.wake_all();
  if (!done) {
    fail_with(done.error().in("journal: segment " + oldest->name()));
    co_return fail(*failure_);
  }
  kept_from_ = header.kept_from;
  for (; gone > 0; --gone) {
    SegmentPtr segment = std::move(live_.front());
    live_.pop_front();
    std::erase(unsynced_, segment);  // nobody needs it to be durable any more
    set_free(std::move(segment));
  }
  // What waited for a segment has one now.
  if (!waiting_.empty() && !closing_) {
    write_batches();
    if (!waiters_.empty()) arm();
  }
  co_return Result<>{};
}

}  // namespace lockstep::journal
