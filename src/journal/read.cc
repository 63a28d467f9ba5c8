// Reading what was written: recent batches from memory, others from their segment, verified.
#include <algorithm>

#include "journal/log.h"
#include "journal/reader.h"

namespace lockstep::journal {

Lsn Log::first() const { return live_.empty() ? received_ + Lsn{1} : live_.front()->header.first; }

bool Log::is_recent(Lsn lsn) const { return !recent_.empty() && recent_.front()->first() <= lsn; }

Result<std::vector<Record>> Log::read_recent(Lsn after, Bytes at_most) const {
  Lsn wanted = after + Lsn{1};
  auto batch = std::upper_bound(recent_.begin(), recent_.end(), wanted,
                                [](Lsn l, const BatchPtr& b) { return l < b->first(); });
  std::vector<Record> out;
  std::uint64_t bytes = 0;
  for (--batch; batch != recent_.end() && (out.empty() || bytes < at_most.value); ++batch) {
    std::optional<BatchHeader> header = decode_batch_header((*batch)->bytes());
    if (!header) return fail(Code::corrupt, "journal: a batch in memory changed after it was written");
    TRY(std::vector<Record> records, decode_records(*header, (*batch)->bytes(), Verify::nothing, *batch));
    for (Record& record : records) {
      if (record.lsn < wanted) continue;
      if (!out.empty() && bytes >= at_most.value) break;
      bytes += encoded_size(record);
      out.push_back(std::move(record));
    }
  }
  return out;
}

std::size_t Log::segment_of(Lsn lsn) const {
  auto after = std::upper_bound(live_.begin(), live_.end(), lsn,
                                [](Lsn l, const SegmentPtr& s) { return l < s->header.first; });
  // Of several that begin with the same record, only the last one holds it.
  return after == live_.begin() ? 0 : static_cast<std::size_t>(after - live_.begin()) - 1;
}

rt::Task<Result<std::vector<Record>>> Log::read(Lsn after, Bytes at_most) {
  Lsn wanted = after + Lsn{1};
  std::vector<Record> out;
  if (wanted < first())
    co_return fail(Code::changed, "journal: records after " + std::to_string(after.value) +
                                      " are gone; the first is " + std::to_string(first().value));
  if (after >= received_) co_return out;
  if (is_recent(wanted)) co_return read_recent(after, at_most);

  std::size_t index = segment_of(wanted);
  SegmentPtr segment = live_[index];
  Lsn last = index + 1 < live_.size() ? live_[index + 1]->header.first - Lsn{1} : received_;
  IndexEntry start = segment->floor_to_read(wanted);
  SegmentReader reader(slabs_, segment, start.at, std::min(std::max(at_most, 64_KiB), options_.slab).value);
  std::optional<Checksum> before;
  std::vector<IndexEntry> found_at;
  std::uint64_t bytes = 0;
  for (Lsn next = start.first; next <= last && (out.empty() || bytes < at_most.value);) {
    auto found = co_await reader.next(next, before);
    if (wanted < first())
      co_return fail(Code::changed, "journal: records after " + std::to_string(after.value) +
                                        " were trimmed while they were read");
    if (!found) co_return fail(found.error().in("journal: segment " + segment->name()));
    if (!*found) {
      co_return fail(Code::corrupt, "journal: segment " + segment->name() + " at offset " +
                                        std::to_string(reader.broken_at().value) + ", record " +
                                        std::to_string(next.value) + ": " + reader.why());
    }
    FoundBatch& batch = **found;
    found_at.push_back({batch.header.first, batch.at, batch.records.front().time});
    segment->note(found_at.back().first, found_at.back().at, found_at.back().time);
    for (Record& record : batch.records) {
      if (record.lsn < wanted || record.lsn > last) continue;
      if (!out.empty() && bytes >= at_most.value) break;
      bytes += encoded_size(record);
      out.push_back(std::move(record));
    }
    before = batch.header.checksum;
    next = batch.header.last() + Lsn{1};
  }
  segment->read_last = std::move(found_at);
  co_return out;
}

Bytes Log::bytes_after(Lsn after) const {
  if (after >= received_ || live_.empty()) return Bytes{0};
  std::size_t index = segment_of(after + Lsn{1});
  Bytes from = after + Lsn{1} < live_[index]->header.first ? Bytes{segment_data_start}
                                                           : live_[index]->floor(after + Lsn{1}).at;
  Bytes sum{0};
  for (std::size_t i = index; i < live_.size(); ++i) {
    Bytes begin = i == index ? from : Bytes{segment_data_start};
    if (live_[i]->end > begin) sum += live_[i]->end - begin;
  }
  return sum;
}

rt::Task<Result<Lsn>> Log::at_time(WallTime time) {
  if (live_.empty() || received_ < first()) co_return Lsn{0};
  if (received_time_ <= time) co_return received_;
  // Segments know the time of the record before them, so the last one that begins at or before `time` is
  // where to look; times may be equal, and a first segment's time says nothing about what it holds.
  std::size_t index = live_.size() - 1;
  while (index > 0 && live_[index]->header.time > time) --index;
  Lsn found = index > 0 ? live_[index]->header.first - Lsn{1} : Lsn{0};
  Lsn after = live_[index]->floor(time).first - Lsn{1};
  while (after < received_) {
    auto records = co_await read(after, 256_KiB);
    if (!records) co_return fail(records.error());
    if (records->empty()) break;
    for (const Record& record : *records) {
      if (record.time > time) co_return found;
      found = record.lsn;
    }
    after = found;
  }
  co_return found;
}

}  // namespace lockstep::journal
