#include "sim/initiator.h"

#include <algorithm>

namespace lockstep::sim {

Initiator::Initiator(rt::Loop& loop, std::vector<pool::VolumeRef> volumes, History& history, os::sim::Rng rng, Load load)
    : scope_(loop), volumes_(std::move(volumes)), history_(history), rng_(rng), load_(load) {}

void Initiator::start() {
  for (std::size_t i = 0; i < load_.in_flight; ++i) scope_.spawn(hand());
}

rt::Task<void> Initiator::stop() {
  co_await scope_.stop_and_join();
  volumes_.clear();
}

rt::Task<void> Initiator::hand() {
  while (!scope_.stop().requested()) {
    Duration wait = load_.paced ? volumes_.front()->pace() : Duration{0};
    if (wait > Duration{0} && !co_await rt::sleep_for(scope_.loop(), wait, scope_.stop())) break;
    co_await write_one();
    Duration pause = load_.pause + std::chrono::microseconds(rng_.below(200));
    if (!co_await rt::sleep_for(scope_.loop(), pause, scope_.stop())) break;
  }
}

void Initiator::retire_if_closed() {
  if (heard_ && !retired_) retired_ = !volumes_.front()->writable();
}

bool Initiator::claim(Spot at, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i)
    if (busy_.contains(Spot{at.volume, at.block + i})) return false;
  for (std::uint64_t i = 0; i < count; ++i) busy_.insert(Spot{at.volume, at.block + i});
  return true;
}

void Initiator::give_back(Spot at, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) busy_.erase(Spot{at.volume, at.block + i});
}

rt::Task<void> Initiator::write_one() {
  if (!heard_ || retired_) co_return;
  std::size_t index = rng_.below(volumes_.size());
  pool::VolumeRef volume = volumes_[index];
  if (rng_.chance(load_.flush_per_mille)) {
    std::uint64_t begun = history_.flush_begins();
    Result<> flushed = co_await volume->flush();
    if (flushed && heard_) history_.flush_answered(begun);
    co_return;
  }
  std::uint64_t count = rng_.chance(load_.big_per_mille) ? 16 + rng_.below(9) : 1 + rng_.below(3);
  Spot at{index, rng_.below(load_.blocks - count)};
  if (!claim(at, count)) co_return;
  std::uint64_t number = history_.submit(at, count);
  Buffer data(count * block_size);
  for (std::uint64_t i = 0; i < count; ++i) fill_block(number, MutSpan(data).subspan(i * block_size, block_size));
  Bytes offset = offset_of(Block{at.block});

  Result<std::optional<Lsn>> quick = volume->try_write(offset, data);
  Result<Lsn> lsn = fail(Code::busy, "");
  if (!quick) lsn = fail(quick.error());
  else if (*quick) lsn = **quick;
  else lsn = co_await volume->write(offset, data);
  if (!heard_) {
    ++refused_;
  } else if (lsn) {
    history_.appended(number, *lsn);
    Instant begun = scope_.loop().clock().now();
    Result<> answered = co_await volume->await_answerable(*lsn);
    longest_wait_ = std::max(longest_wait_, scope_.loop().clock().now() - begun);
    if (answered && heard_) history_.answered(number);
    else ++refused_;
  } else {
    ++refused_;
  }
  give_back(at, count);
}

rt::Task<Result<Found>> look(std::vector<pool::VolumeRef> volumes, std::uint64_t blocks) {
  Found found;
  Buffer data(blocks * block_size);
  for (std::size_t v = 0; v < volumes.size(); ++v) {
    CO_TRY_VOID(co_await volumes[v]->read(Bytes{0}, data));
    for (std::uint64_t b = 0; b < blocks; ++b) {
      auto number = number_in(Span(data).subspan(b * block_size, block_size));
      if (!number) co_return fail(Code::corrupt, "volume " + std::to_string(v) + " block " + std::to_string(b) + " is neither whole nor zero");
      found[Spot{v, b}] = *number;
    }
  }
  co_return found;
}

}  // namespace lockstep::sim
