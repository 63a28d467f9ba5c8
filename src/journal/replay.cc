// Replay: the chain of batches, up to where it breaks, and what the break means.
#include <algorithm>
#include <iterator>

#include "journal/recovery.h"

namespace lockstep::journal {
namespace {

// What is written next here is not dated before this.
WallTime last_dated_here(std::span<const Record> records, WallTime before) {
  for (const Record& record : records)
    if (record.dated_here()) before = std::max(before, record.time);
  return before;
}

}  // namespace

rt::Task<Result<>> Recovery::replay() {
  auto& live = log_.live_;
  if (live.empty()) {
    if (durable_.value > 0) {
      log_.damage_ = "journal " + log_.directory_.path() + ": no segment holds records, but record " +
                     std::to_string(durable_.value) + " was durable";
    }
    co_return Result<>{};
  }
  if (live.front()->header.first > from_ + Lsn{1}) {
    co_return fail(Code::corrupt, "journal " + log_.directory_.path() + " begins with record " +
                                      std::to_string(live.front()->header.first.value) +
                                      ", but is needed from record " + std::to_string(from_.value + 1) +
                                      " on: the metadata are older than the checkpoint at " +
                                      std::to_string(log_.checkpoint_.value) + ", or segments are missing");
  }
  std::size_t index = live.size() - 1;
  while (index > 0 && live[index]->header.first > from_ + Lsn{1}) --index;
  last_ = live[index]->header.first - Lsn{1};
  last_batch_ = live[index]->header.before;
  last_time_ = live[index]->header.time;
  while (true) {
    CO_TRY(bool goes_on, co_await replay_segment(index));
    if (!goes_on) break;
    ++index;
  }
  // Segments behind the break hold nothing that counts.
  while (live.size() > index + 1) {
    lost_.push_back(std::move(live.back()));
    live.pop_back();
  }
  co_return co_await deliver(true);
}

// The next segment says where this one ends: what lies behind that was torn, or void, when the next one was
// begun.
bool Recovery::next_begins_here(std::size_t index) const {
  if (index + 1 >= log_.live_.size()) return false;
  const SegmentHeader& next = log_.live_[index + 1]->header;
  return next.follows == log_.live_[index]->header.sequence && next.first == last_ + Lsn{1} &&
         next.before == last_batch_;
}

// True when the next segment goes on where this one ends.
rt::Task<Result<bool>> Recovery::replay_segment(std::size_t index) {
  SegmentPtr segment = log_.live_[index];
  SegmentReader reader(log_.slabs_, segment, Bytes{segment_data_start}, log_.options_.slab.value);
  segment->end = Bytes{segment_data_start};
  while (!next_begins_here(index)) {
    auto found = co_await reader.next(last_ + Lsn{1}, last_batch_);
    if (!found) co_return fail(found.error().in("journal: segment " + segment->name()));
    if (!*found) {
      CO_TRY(bool passed, co_await pass_over(index, reader));
      if (passed) continue;
      CO_TRY_VOID(co_await judge(index, reader));
      co_return false;
    }
    take(index, std::move(**found));
    CO_TRY_VOID(co_await deliver(false));
  }
  co_return true;
}

// A break among records that the metadata hold anyway: they are kept for others only, who hear of it when they read them. The chain is
// taken up behind it; where that cannot be, nothing that is needed may be missing. True: the segment goes on.
rt::Task<Result<bool>> Recovery::pass_over(std::size_t index, SegmentReader& broken) {
  if (last_ >= from_) co_return false;
  Bytes at = broken.broken_at();
  // Whoever reads what lies behind must not come by the damage.
  auto go_on = [&](Bytes where) {
    broken.go_to(where);
    log_.live_[index]->index.push_back({last_ + Lsn{1}, where, last_time_});
  };
  for (;;) {
    CO_TRY(auto found, co_await broken.find(at, last_, from_ + Lsn{1}));
    if (!found) break;
    const BatchHeader& header = found->header;
    bool itself = header.first == last_ + Lsn{1} && found->at == broken.broken_at();
    if (!itself) {
      last_ = header.first - Lsn{1};
      last_batch_ = header.before;
      go_on(found->at);
      co_return true;
    }
    if (header.last() > from_) co_return false;   // it held what is needed
    if (header.length <= (log_.live_[index]->size - found->at).value) {
      last_ = header.last();
      last_batch_ = header.checksum;
      go_on(found->at + Bytes{header.length});
      log_.live_[index]->end = broken.at();
      co_return true;
    }
    at = found->at + Bytes{8};
  }
  // Closed in good order, with everything in the metadata: there was nothing behind.
  if (clean_ && index + 1 == log_.live_.size() && durable_ <= from_) last_ = from_;
  co_return false;
}

void Recovery::take(std::size_t index, FoundBatch batch) {
  Segment& segment = *log_.live_[index];
  segment.note(batch.header.first, batch.at, batch.records.front().time);
  segment.end = batch.end();
  durable_ = std::max(durable_, batch.header.durable);
  WallTime time_before = last_time_;
  last_ = batch.header.last();
  last_batch_ = batch.header.checksum;
  if (index + 1 < log_.live_.size()) {
    const SegmentHeader& next = log_.live_[index + 1]->header;
    if (next.before == last_batch_ && next.first > batch.header.first && next.first <= last_) {
      batch.records.resize((next.first - batch.header.first).value);
      last_ = next.first - Lsn{1};
    }
  }
  last_time_ = last_dated_here(batch.records, time_before);
  undelivered_.push_back({std::move(batch), time_before});
}

// Nothing follows record last_. Was something there that survived a power cut once? Then it is damage.
rt::Task<Result<>> Recovery::judge(std::size_t index, SegmentReader& broken) {
  auto& live = log_.live_;
  SegmentPtr segment = live[index];
  bool at_clean_end = clean_ && index + 1 == live.size() && durable_ <= last_;
  if (!at_clean_end) {
    for (std::size_t i = index; i < live.size(); ++i) {
      Bytes from = i == index ? broken.at() : Bytes{segment_data_start};
      SegmentReader reader(log_.slabs_, live[i], from, log_.options_.slab.value);
      auto durable = co_await reader.durable_behind(from);
      if (!durable) co_return fail(durable.error().in("journal: segment " + live[i]->name()));
      durable_ = std::max(durable_, *durable);
    }
  }
  std::string why = broken.why();
  // What follows may be in a segment whose header was destroyed, both copies. Its older uses say nothing
  // beyond `last_`: they were trimmed, or lost before anything in them was durable.
  for (const SegmentPtr& unreadable : unreadable_) {
    if (unreadable->size.value < segment_data_start) continue;
    SegmentReader reader(log_.slabs_, unreadable, Bytes{segment_data_start}, log_.options_.slab.value);
    auto durable = co_await reader.durable_behind(Bytes{segment_data_start}, true);
    if (!durable) co_return fail(durable.error().in("journal: segment " + unreadable->name()));
    if (*durable > last_)
      why = "the header of segment " + unreadable->name() + " is destroyed, and it holds what follows";
    durable_ = std::max(durable_, *durable);
  }
  if (durable_ <= last_) co_return Result<>{};
  if (index + 1 < live.size() && live[index + 1]->header.follows != segment->header.sequence) {
    why = "the segment that follows it, number " + std::to_string(live[index + 1]->header.follows) +
          " in order, is missing";
  }
  log_.damage_ = "journal: segment " + segment->name() + " is damaged at offset " +
                 std::to_string(broken.broken_at().value) + " (" + why + "): records " +
                 std::to_string(last_.value + 1) + " to " + std::to_string(durable_.value) + " were durable";
  co_return Result<>{};
}

rt::Task<Result<>> Recovery::deliver(bool all) {
  std::size_t delivered = 0;
  while (!undelivered_.empty() && (all || undelivered_.front().batch.header.last() <= durable_)) {
    std::vector<Record>& records = undelivered_.front().batch.records;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Record& record = records[i];
      if (record.lsn <= from_) continue;
      if (believe_ && record.kind == Kind::direct && record.lsn > durable_) {
        CO_TRY(bool believed, co_await believe_(record));
        if (!believed) {
          cut_before(i);
          co_return Result<>{};
        }
      }
      CO_TRY_VOID(on_record_(record));
    }
    undelivered_.pop_front();
    if (++delivered % 32 == 0) co_await rt::yield(log_.loop_);
  }
  co_return Result<>{};
}

// The journal ends before record `record` of the first undelivered batch.
void Recovery::cut_before(std::size_t record) {
  const Undelivered& cut = undelivered_.front();
  const BatchHeader& header = cut.batch.header;
  last_ = Lsn{header.first.value + record} - Lsn{1};
  last_batch_ = record == 0 ? header.before : header.checksum;
  last_time_ = last_dated_here(std::span(cut.batch.records).first(record), cut.time_before);
  undelivered_.clear();
  while (!log_.live_.empty() && log_.live_.back()->header.first > last_) {
    lost_.push_back(std::move(log_.live_.back()));
    log_.live_.pop_back();
  }
}

}  // namespace lockstep::journal
