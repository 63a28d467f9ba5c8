// Finding the segments that count, and leaving the journal ready to append.
#include "journal/recovery.h"

#include <algorithm>

namespace lockstep::journal {

rt::Task<Result<>> Recovery::run(Opened& opened) {
  CO_TRY_VOID(co_await find());
  if (log_.live_.empty() && unused_.empty() && durable_.value == 0) {
    CO_TRY_VOID(co_await create());
    clean_ = true;
  } else {
    CO_TRY_VOID(co_await replay());
    if (!log_.damage_) CO_TRY_VOID(co_await settle());
  }
  log_.appended_ = log_.received_ = log_.durable_ = last_;
  log_.last_time_ = log_.received_time_ = last_time_;
  opened.last = last_;
  opened.checkpoint_lsn = log_.checkpoint_;
  opened.clean = clean_ && !log_.damage_;
  opened.damage = log_.damage_;
  log_.want_spares();
  co_return Result<>{};
}

rt::Task<Result<>> Recovery::find() {
  auto segments = co_await log_.directory_.list();
  if (!segments) co_return fail(segments.error().in("journal " + log_.directory_.path()));
  co_return order(std::move(*segments), log_.directory_.found());
}

// The newest segment, what it follows, what that follows, down to kept_from. Everything else is free:
// trimmed, never used, or begun before a crash and not in anybody's chain since.
Result<> Recovery::order(std::vector<SegmentPtr> segments, const std::vector<FoundHeader>& found) {
  std::vector<SegmentPtr> used;
  std::string foreign;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const SegmentPtr& segment = segments[i];
    switch (found[i].state) {
      case HeaderState::unsupported:
        return fail(Code::unsupported, "journal: segment " + segment->name() + " has format version " +
                                           std::to_string(found[i].version) +
                                           "; this program reads version " + std::to_string(format_version));
      case HeaderState::valid:
        if (found[i].header.pool != log_.pool_) {
          return fail(Code::invalid, "journal: segment " + segment->name() + " belongs to pool " +
                                         text_of(found[i].header.pool) + ", not to " + text_of(log_.pool_));
        }
        used.push_back(segment);
        continue;
      case HeaderState::broken:
      case HeaderState::foreign:
        foreign = segment->name();
        unreadable_.push_back(segment);
        break;
      case HeaderState::blank: break;
    }
    unused_.push_back(segment);
  }
  if (used.empty()) {
    if (!foreign.empty())
      return fail(Code::corrupt, "journal: " + foreign + " is not a journal segment, and there is no other");
    return {};
  }
  std::ranges::sort(
      used, [](const SegmentPtr& a, const SegmentPtr& b) { return a->header.sequence > b->header.sequence; });
  for (const SegmentPtr& segment : used) {
    log_.incarnation_ = std::max(log_.incarnation_, segment->header.incarnation);
    log_.kept_from_ = std::max(log_.kept_from_, segment->header.kept_from);
  }
  log_.sequence_ = used.front()->header.sequence;
  clean_ = used.front()->header.clean;
  std::uint64_t wanted = log_.sequence_;
  for (const SegmentPtr& segment : used) {
    const SegmentHeader& header = segment->header;
    if (header.sequence > wanted || header.sequence < log_.kept_from_ || wanted == 0) {
      unused_.push_back(segment);
      continue;
    }
    wanted = header.follows;
    if (!log_.live_.empty()) segment->end = log_.live_.front()->header.previous_end;
    log_.checkpoint_ = std::max(log_.checkpoint_, header.checkpoint);
    durable_ = std::max(durable_, header.durable);
    log_.live_.push_front(segment);
  }
  return {};
}

// The first segment gets its name with its header in it, so that a journal that exists has one.
rt::Task<Result<>> Recovery::create() {
  CO_TRY_VOID(co_await log_.directory_.remove_unfinished());
  CO_TRY_VOID(co_await log_.directory_.sync_name());
  log_.incarnation_ = 1;
  SegmentHeader header = log_.next_header();
  header.edition = 1;
  rt::Stop never;
  auto made = co_await log_.directory_.make(log_.options_.segment_size, &header, never);
  if (!made) co_return fail(made.error().in("journal " + log_.directory_.path()));
  log_.sequence_ = header.sequence;
  log_.live_.push_back(*made);
  log_.unsynced_.push_back(std::move(*made));
  log_.active_ = true;
  log_.end_ = Bytes{segment_data_start};
  co_return Result<>{};
}

// What was found may be in the page cache only: a promise given later stands on it, so it is made durable
// first. Then the fresh segment, whose header voids whatever lies behind the last record that counts.
// Segments that the chain lost are free only then.
rt::Task<Result<>> Recovery::settle() {
  CO_TRY_VOID(co_await log_.directory_.remove_unfinished());
  CO_TRY_VOID(co_await log_.directory_.sync_entries());
  for (auto segment = log_.live_.rbegin(); segment != log_.live_.rend(); ++segment) {
    auto synced = co_await (*segment)->file->sync();
    if (!synced) co_return fail(synced.error().in("journal: segment " + (*segment)->name()));
    if ((*segment)->header.first <= durable_) break;
  }
  ++log_.incarnation_;
  log_.before_ = last_batch_;
  log_.received_ = log_.durable_ = last_;
  log_.received_time_ = last_time_;
  auto usable = std::ranges::find_if(
      unused_, [this](const SegmentPtr& s) { return s->size == log_.options_.segment_size; });
  bool reuse = !log_.live_.empty() && log_.live_.back()->header.first == last_ + Lsn{1} &&
               log_.live_.back()->header.sequence == log_.sequence_ &&
               log_.live_.back()->size == log_.options_.segment_size;
  SegmentPtr fresh;
  SegmentHeader header = log_.next_header();
  if (reuse) {  // it holds no record: the same segment again, under a new incarnation
    fresh = log_.live_.back();
    header.sequence = fresh->header.sequence;
    header.follows = fresh->header.follows;
    header.previous_end = fresh->header.previous_end;
    log_.live_.pop_back();
  } else if (usable != unused_.end()) {
    fresh = *usable;
    unused_.erase(usable);
  } else {
    rt::Stop never;
    CO_TRY(fresh, co_await log_.directory_.make(log_.options_.segment_size, nullptr, never));
  }
  // Reused, the copy that counts stays until the new one is durable; a file that counts for nothing gets both
  // at once.
  Result<> written = reuse ? fresh->write_header(header) : fresh->begin(header);
  if (written) written = co_await fresh->file->sync();
  if (written && reuse) written = fresh->write_header(header);
  if (written && reuse) written = co_await fresh->file->sync();
  if (!written) co_return fail(written.error().in("journal: segment " + fresh->name()));
  fresh->end = Bytes{segment_data_start};
  fresh->index.clear();
  fresh->read_last.clear();
  log_.sequence_ = header.sequence;
  log_.live_.push_back(fresh);
  log_.unsynced_.push_back(std::move(fresh));
  log_.active_ = true;
  log_.end_ = Bytes{segment_data_start};
  // Nothing can fail from here on: what is started now belongs to an open journal.
  for (SegmentPtr& segment : unused_) log_.set_free(std::move(segment));
  for (SegmentPtr& segment : lost_) log_.set_free(std::move(segment));
  co_return Result<>{};
}

rt::Task<Result<Opened>> open(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool,
                              Options options, Lsn from, Lsn durable_known, OnRecord on_record,
                              Believe believe) {
  CO_TRY_VOID(check(options));
  Opened opened;
  auto log = std::make_unique<Log>(host, loop, std::move(directory), pool, options);
  Recovery recovery(*log, from, durable_known, std::move(on_record), std::move(believe));
  auto done = co_await recovery.run(opened);
  if (!done) co_return fail(done.error());
  opened.journal = std::move(log);
  co_return opened;
}

}  // namespace lockstep::journal
