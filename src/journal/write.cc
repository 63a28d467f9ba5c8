// The write path: append, the end of a turn, batches into segments.
#include <algorithm>
#include <array>

#include "journal/log.h"

namespace lockstep::journal {

Result<> check(const Options& o) {
  if (o.batch_max.value < block_size || o.batch_max > 1_GiB)
    return fail(Code::invalid, "journal: batch_max must be 4 KiB to 1 GiB");
  if (o.segment_size.value % page_size != 0)
    return fail(Code::invalid, "journal: segment_size must be a multiple of 4 KiB");
  if (o.segment_size.value < segment_data_start + batch_header_size + largest_batch(o.batch_max)) {
    return fail(Code::invalid, "journal: a segment of " + std::to_string(o.segment_size.value) +
                                   " bytes cannot hold a batch of batch_max (" +
                                   std::to_string(o.batch_max.value) + ")");
  }
  if (o.syncs == 0) return fail(Code::invalid, "journal: at least one sync at a time is needed");
  if (o.spare_segments == 0) return fail(Code::invalid, "journal: at least one spare segment is needed");
  if (o.slab.value < page_size || o.slab > o.segment_size)
    return fail(Code::invalid, "journal: slab must be 4 KiB to segment_size");
  return {};
}

Log::Log(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool, Options options)
    : host_(host),
      loop_(loop),
      pool_(pool),
      options_(options),
      directory_(host, loop, std::move(directory), options.syncs),
      slabs_(std::make_shared<SlabPool>(options.slab.value,
                                        std::max<std::size_t>(options.recent.value, 4 * options.slab.value))),
      alive_(std::make_shared<Alive>(Alive{this})),
      trimmed_(loop),
      scope_(loop) {}

Log::~Log() { alive_->log = nullptr; }

Result<> Log::refuse_if_over() const {
  if (failure_) return fail(*failure_);
  if (damage_) return fail(Code::read_only, *damage_);
  if (closing_) return fail(Code::cancelled, directory_.path() + ": the journal is closed");
  return {};
}

Result<Record> Log::append(const Record& record) {
  if (failure_ || damage_ || closing_) return fail(refuse_if_over().error());
  TRY_VOID(check_shape(record, options_.batch_max));
  std::size_t encoded = encoded_size(record);
  if (!open_ || !open_->fits(encoded)) open_batch(encoded);
  Lsn lsn = appended_ + Lsn{1};
  Record placed = record;
  placed.lsn = lsn;
  if (placed.origin.lsn.value == 0) placed.origin.lsn = lsn;
  // What was written elsewhere first keeps the date it got there, by that system's clock.
  if (placed.dated_here()) last_time_ = placed.time = std::max(placed.time, last_time_);
  placed = open_->add(placed);
  placed.hold = open_;
  appended_ = lsn;
  if (!armed_) arm();
  return placed;
}

// A batch never moves: what was appended to it points into it. One that is full makes way for the next.
void Log::open_batch(std::size_t encoded) {
  close_batch();
  if (!slab_ || slab_used_ + batch_header_size + encoded > slab_->capacity) {
    slab_ = slabs_->take(batch_header_size + encoded);
    slab_used_ = 0;
  }
  open_ = std::make_shared<Batch>(slab_, slab_used_, appended_ + Lsn{1});
}

void Log::close_batch() {
  if (!open_) return;
  slab_used_ = open_->end_offset();
  waiting_.push_back(std::move(open_));
  open_.reset();
}

void Log::arm() {
  if (armed_) return;
  armed_ = true;
  loop_.at_turn_end([alive = alive_] {
    if (alive->log != nullptr) alive->log->turn_end();
  });
}

void Log::turn_end() {
  armed_ = false;
  close_batch();
  write_batches();
  if (!failure_ && received_ > durable_ && wants_sync()) scope_.spawn(sync_written());
}

Result<> Log::push() {
  TRY_VOID(refuse_if_over());
  close_batch();
  write_batches();
  return refuse_if_over();
}

void Log::write_batches() {
  if (failure_) return;
  bool moved = false;
  while (!waiting_.empty()) {
    if (!write_batch(*waiting_.front())) break;
    remember(std::move(waiting_.front()));
    waiting_.pop_front();
    moved = true;
  }
  if (moved) {
    if (syncs_are_near_) align_end();   // so that the page is not written again while it is on its way
    ask_for_writeback(syncs_are_near_);
    tell_received();
  }
}

bool Log::write_batch(Batch& batch) {
  if (!active_ || end_.value + batch.length() > live_.back()->size.value) {
    if (!next_segment()) return false;
  }
  Segment& segment = *live_.back();
  BatchHeader header;
  header.use = segment.header.use;
  header.incarnation = segment.header.incarnation;
  header.durable = durable_;
  header.before = before_;
  batch.seal(header);
  // To the end of the page, so that the kernel never has to read one that it is given a part of.
  Bytes after = end_ + Bytes{batch.length()};
  std::array<Span, 2> parts{batch.bytes(), zeroes(align_up(after.value, page_size) - after.value)};
  std::size_t used = parts[1].empty() ? 1 : 2;
  if (auto written = segment.file->write_now(end_, std::span(parts).first(used)); !written) {
    fail_with(written.error().in("journal: segment " + segment.name()));
    return false;
  }
  segment.note(batch.first(), end_, batch.first_time());
  end_ = after;
  segment.end = after;
  before_ = header.checksum;
  since_sync_ += Bytes{batch.length()};
  received_ = batch.last();
  received_time_ = batch.last_time();
  return true;
}

bool Log::next_segment() {
  if (free_.empty()) {
    want_spares();
    return false;
  }
  if (active_) ask_for_writeback(true);
  SegmentPtr segment = free_.back();
  if (auto begun = segment->begin(next_header()); !begun) {
    fail_with(begun.error().in("journal: segment " + segment->name()));
    return false;
  }
  free_.pop_back();
  sequence_ = segment->header.sequence;
  live_.push_back(segment);
  unsynced_.push_back(segment);
  active_ = true;
  end_ = Bytes{segment_data_start};
  writeback_from_ = Bytes{0};
  want_spares();
  return true;
}

void Log::remember(BatchPtr batch) {
  recent_bytes_ += batch->length();
  recent_.push_back(std::move(batch));
  while (recent_bytes_ > options_.recent.value && !recent_.empty()) {
    recent_bytes_ -= recent_.front()->length();
    recent_.pop_front();
  }
}

// Whole pages only: the last one is written again by the next batch, and some devices make that wait for the
// first write.
void Log::ask_for_writeback(bool all) {
  Bytes upto{all ? align_up(end_.value, page_size) : end_.value / page_size * page_size};
  if (upto <= writeback_from_ || (!all && upto.value - writeback_from_.value < options_.writeback_step.value))
    return;
  live_.back()->file->start_writeback(writeback_from_, upto - writeback_from_);
  writeback_from_ = upto;
}

void Log::fail_with(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  resume_waiters();
  tell_received();
}

void Log::tell_received() {
  if (on_received_) on_received_();
}

}  // namespace lockstep::journal
