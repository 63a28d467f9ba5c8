#include "journal/reader.h"

#include <algorithm>

namespace lockstep::journal {

SegmentReader::SegmentReader(std::shared_ptr<SlabPool> slabs, SegmentPtr segment, Bytes at, std::size_t piece)
    : slabs_(std::move(slabs)),
      segment_(std::move(segment)),
      at_(at),
      piece_(align_up(std::max<std::size_t>(piece, page_size), page_size)) {}

Span SegmentReader::window(Bytes at, std::size_t length) const {
  return Span(slab_->memory, slab_->capacity).subspan((at - window_at_).value, length);
}

bool SegmentReader::ours(const BatchHeader& header) const {
  return header.use == segment_->header.use && header.incarnation == segment_->header.incarnation;
}

// After it, `length` bytes from `at` on are in the window; the caller has seen that the segment holds them.
rt::Task<Result<>> SegmentReader::load(Bytes at, std::size_t length) {
  if (slab_ && at >= window_at_ && at.value + length <= window_at_.value + window_length_)
    co_return Result<>{};
  std::size_t wanted = std::min<std::uint64_t>(std::max(piece_, length), (segment_->size - at).value);
  // Records read before may point into the old slab; then they keep it.
  if (!slab_ || slab_.use_count() > 1 || slab_->capacity < wanted) slab_ = slabs_->take(wanted);
  window_length_ = 0;
  CO_TRY_VOID(co_await segment_->file->read(at, MutSpan(slab_->memory, wanted)));
  window_at_ = at;
  window_length_ = wanted;
  co_return Result<>{};
}

rt::Task<Result<std::optional<FoundBatch>>> SegmentReader::next(Lsn first, std::optional<Checksum> before) {
  why_ = "no batch begins here";
  Bytes start = broken_at_ = at_;
  Bytes page{align_up(at_.value, page_size)};
  for (int i = 0; i < (page == start ? 1 : 2); ++i) {
    Bytes at = i == 0 ? start : page;
    if (at.value + batch_header_size > segment_->size.value) break;
    CO_TRY_VOID(co_await load(at, batch_header_size));
    std::optional<BatchHeader> header = decode_batch_header(window(at, batch_header_size));
    if (!header || !ours(*header)) continue;
    broken_at_ = at;
    if (header->first != first || (before && header->before != *before)) {
      why_ = "the batch here does not follow the one before";
      continue;
    }
    if (header->length > (segment_->size - at).value) {
      why_ = "the batch here is longer than the segment";
      continue;
    }
    CO_TRY_VOID(co_await load(at, header->length));
    auto records = decode_records(*header, window(at, header->length), Verify::all, slab_);
    if (!records) {
      why_ = records.error().message;
      continue;
    }
    FoundBatch found;
    found.header = *header;
    found.at = at;
    found.records = std::move(*records);
    at_ = found.end();
    co_return std::optional<FoundBatch>(std::move(found));
  }
  co_return std::optional<FoundBatch>();
}

rt::Task<Result<std::optional<SegmentReader::FoundBatchHeader>>> SegmentReader::find(Bytes at, Lsn after, Lsn upto) {
  at = Bytes{align_up(at.value, 8)};
  while (at.value + batch_header_size <= segment_->size.value) {
    CO_TRY_VOID(co_await load(at, std::min<std::uint64_t>(piece_, (segment_->size - at).value)));
    Bytes window_end = window_at_ + Bytes{window_length_};
    for (; at.value + batch_header_size <= window_end.value; at += Bytes{8}) {
      if (!has_batch_magic(window(at, 8).data())) continue;
      std::optional<BatchHeader> header = decode_batch_header(window(at, batch_header_size));
      bool wanted = header && ours(*header) && header->first > after && header->first <= upto;
      if (wanted) co_return FoundBatchHeader{*header, at};
    }
  }
  co_return std::optional<FoundBatchHeader>();
}

rt::Task<Result<Lsn>> SegmentReader::durable_behind(Bytes at, bool any_use) {
  Lsn durable;
  at = Bytes{align_up(at.value, 8)};  // every batch begins at a multiple of 8
  while (at.value + batch_header_size <= segment_->size.value) {
    CO_TRY_VOID(co_await load(at, std::min<std::uint64_t>(piece_, (segment_->size - at).value)));
    Bytes window_end = window_at_ + Bytes{window_length_};
    for (; at.value + batch_header_size <= window_end.value; at += Bytes{8}) {
      if (!has_batch_magic(window(at, 8).data())) continue;
      std::optional<BatchHeader> header = decode_batch_header(window(at, batch_header_size));
      if (header && (any_use || ours(*header))) durable = std::max(durable, header->durable);
    }
  }
  co_return durable;
}

}  // namespace lockstep::journal
