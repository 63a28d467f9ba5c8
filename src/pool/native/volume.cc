#include "pool/native/volume.h"

#include <algorithm>

namespace lockstep::pool::native {

NativeVolume::NativeVolume(const Access& access, VolumeState& state) : access_(access), state_(&state) {
  source_.volume = state.id;
  source_.levels = access.core.levels_of(state.id, epoch_of_head);
}

NativeVolume::NativeVolume(const Access& access, VolumeState& state, const store::SnapshotRow& snapshot) : access_(access), state_(&state) {
  source_.volume = state.id;
  source_.upto = snapshot.epoch;
  source_.levels = access.core.levels_of(state.id, snapshot.epoch);
  snapshot_ = snapshot.id;
  ++state.views;
  ++access.core.views[snapshot_];
}

NativeVolume::~NativeVolume() {
  if (is_head()) return;
  --state_->views;
  if (--access_.core.views[snapshot_] == 0) access_.core.views.erase(snapshot_);
}

void NativeVolume::rebind(VolumeState& state) {
  state.watches.insert(state.watches.end(), state_->watches.begin(), state_->watches.end());
  state_->watches.clear();
  state_ = &state;
  source_.volume = state.id;
  source_.levels = access_.core.levels_of(state.id, epoch_of_head);
}

std::optional<Error> NativeVolume::closed() const {
  if (is_head() && state_->group && state_->group->row->resync)
    return Error{Code::busy, "volume '" + access_.core.name + "/" + name() + "' is being resynchronized: its blocks are of different times until that is done"};
  return std::nullopt;
}

std::optional<Error> NativeVolume::range_error(Bytes at, std::uint64_t length, bool aligned) const {
  const Bytes end = size();
  if (at > end || length > end.value - at.value)
    return Error{Code::out_of_range, "volume '" + name() + "' ends at " + std::to_string(end.value) + "; asked for " + std::to_string(length) + " bytes at " +
                                         std::to_string(at.value)};
  if (aligned && (at.value % sector_size != 0 || length % sector_size != 0))
    return Error{Code::invalid, "volume '" + name() + "': offsets and lengths are multiples of 512 bytes"};
  return std::nullopt;
}

std::optional<Error> NativeVolume::write_error() const {
  if (!is_head()) return Error{Code::read_only, "volume '" + name() + "': this is a snapshot; clone it to write"};
  if (!state_->may_write) return access_.core.refuses(*state_).value_or(Error{Code::read_only, "volume '" + name() + "' may not be written"});
  if (state_->group && state_->group->acks) return state_->group->acks->refuses_writes();
  return std::nullopt;
}

Result<std::optional<Lsn>> NativeVolume::try_write(Bytes at, Span data) {
  if (!writable() || (state_->group && state_->group->acks)) [[unlikely]] {
    if (auto error = write_error()) return fail(std::move(*error));
  }
  if (at.value % block_size != 0 || data.size() % block_size != 0 || data.empty() || data.size() >= direct_from) return std::nullopt;
  if (auto error = range_error(at, data.size(), false)) [[unlikely]] return fail(std::move(*error));
  return access_.writer.try_blocks(*state_, block_at(at), data);
}

rt::Task<Result<Lsn>> NativeVolume::write(Bytes at, Span data) {
  if (auto error = write_error()) co_return fail(std::move(*error));
  if (auto error = range_error(at, data.size(), true)) co_return fail(std::move(*error));
  if (data.size() > (32u << 20)) co_return fail(Code::invalid, "volume '" + name() + "': at most 32 MiB at a time");
  if (data.empty()) co_return access_.core.journal->appended();
  co_return co_await access_.writer.write(*this, source_, at, data);
}

rt::Task<Result<Lsn>> NativeVolume::zero(Bytes at, Bytes length, bool discard) {
  if (auto error = write_error()) co_return fail(std::move(*error));
  if (auto error = range_error(at, length.value, true)) co_return fail(std::move(*error));
  if (length.value == 0) co_return access_.core.journal->appended();
  co_return co_await access_.writer.zero(*this, source_, at, length, discard);
}

Result<bool> NativeVolume::try_read(Bytes at, MutSpan into) {
  if (auto error = range_error(at, into.size(), true)) [[unlikely]] return fail(std::move(*error));
  return access_.reader.try_bytes(source_, at, into);
}

rt::Task<Result<>> NativeVolume::read(Bytes at, MutSpan into) {
  if (auto error = range_error(at, into.size(), true)) co_return fail(std::move(*error));
  co_return co_await access_.reader.bytes(source_, at, into);
}

rt::Task<Result<>> NativeVolume::read_blocks(Block block, std::uint64_t count, MutSpan into, std::vector<Checksum>& checksums) {
  if (into.size() != count * block_size) co_return fail(Code::invalid, "read_blocks: the buffer is not as long as its blocks");
  std::uint64_t end = blocks_in(size());   // the last block may reach past the end; it reads as zeroes there
  if (block.value > end || count > end - block.value) {
    auto error = range_error(offset_of(block), count * block_size, false);
    co_return fail(error.value_or(Error{Code::out_of_range, "read_blocks: past the end"}));
  }
  checksums.resize(count);
  co_return co_await access_.reader.blocks(source_, block, into, checksums);
}

rt::Task<Result<Lsn>> NativeVolume::rewrite(Block block, std::uint64_t count) {
  if (auto error = write_error()) co_return fail(std::move(*error));
  if (block.value > blocks_in(size()) || count > blocks_in(size()) - block.value || count > 256)
    co_return fail(Code::out_of_range, "volume '" + name() + "': blocks past its end, or more than 256 of them, cannot be written anew");
  constexpr std::uint64_t most = direct_from / block_size - 1;
  Lsn last;
  for (std::uint64_t done = 0; done < count; done += most) {
    CO_TRY(last, co_await access_.writer.rewrite(*this, source_, block + Block{done}, std::min(most, count - done)));
  }
  co_return last;
}

void NativeVolume::watch_answers(AnswerWatch& watch) { state_->watches.push_back(&watch); }

void NativeVolume::unwatch_answers(AnswerWatch& watch) { std::erase(state_->watches, &watch); }

rt::Task<Result<>> NativeVolume::await_answerable(Lsn lsn) { co_return co_await access_.answers.await_answerable(source_.volume, lsn); }

rt::Task<Result<>> NativeVolume::flush() { co_return co_await access_.answers.flush(source_.volume); }

Duration NativeVolume::pace() const {
  return is_head() && state_->group && state_->group->acks ? state_->group->acks->pace() : Duration{0};
}

Duration NativeVolume::hold() {
  return is_head() && state_->group && state_->group->acks ? state_->group->acks->hold() : Duration{0};
}

}  // namespace lockstep::pool::native
