// Room: admission, growth of the data file ahead of need, and what the pool may still hope for.
#include <algorithm>

#include "store/impl.h"

namespace lockstep::store {
namespace {

constexpr std::uint64_t step_least = 256;   // places: growing by less than 1 MiB is not worth the call

}  // namespace

std::uint64_t Impl::places_most() const { return options_.capacity.value == 0 ? ~0ull : options_.capacity.value / block_size; }

Result<> Impl::reserve(std::uint64_t blocks, bool from_reserve) {
  TRY_VOID(usable());
  bool admitted = places_.reserve(blocks, from_reserve);
  grow_if_needed(!admitted);
  if (admitted) return {};
  if (growing_) return fail(Code::busy, "the data file is growing");
  if (!room_exhausted_ && (deltas_.entries() != 0 || deltas_.intervals() != 0 || may_sweep_)) return fail(Code::busy, "space is being given back");
  return fail(Code::no_space, std::to_string(blocks) + " blocks are wanted, " + std::to_string(places_.available()) +
                                  " can be had; delete snapshots or volumes, or give the pool more room");
}

rt::Task<Result<>> Impl::room() {
  CO_TRY_VOID(usable());
  if (growing_) {
    co_await grown_.wait();
    co_return Result<>{};
  }
  auto turning = take_turn();
  Turn turn = co_await turning;
  CO_TRY_VOID(usable());
  auto sweeping = collect();
  CO_TRY(bool swept, co_await sweeping);
  if (swept) co_return Result<>{};
  auto folding = fold_down_to(0, 4);
  CO_TRY(bool folded, co_await folding);
  room_exhausted_ = !folded;
  co_return Result<>{};
}

Result<std::vector<Run>> Impl::allocate(std::uint64_t blocks) {
  auto runs = places_.allocate(blocks);
  grow_if_needed();
  return runs;
}

bool Impl::space_is_short() const {
  if (!grow_refused_ && places_.total() < places_most()) return false;
  return places_.available() < places_.total() / 16 + places_.keep_back();
}

void Impl::grow_if_needed(bool refused) {
  if (growing_ || grow_refused_ || closed_ || failed_ || places_.total() >= places_most()) return;
  if (!refused && places_.available() >= options_.grow_step.value / block_size / 2) return;
  growing_ = true;
  scope_.spawn(grow());
}

rt::Task<void> Impl::grow() {
  auto growing = grow_once();
  // A file system that refuses is full for us until something is given back.
  if (auto grown = co_await growing; !grown) grow_refused_ = true;
  growing_ = false;
  grown_.wake_all();
}

// What the file system has left besides what the data file has taken.
rt::Task<Result<>> Impl::measure() {
  auto asking = rt::work(loop_, [this] { return files_.free_space(directory_); });
  CO_TRY(Bytes free, co_await asking);
  std::uint64_t spare = free.value > options_.metadata_reserve.value ? (free.value - options_.metadata_reserve.value) / block_size : 0;
  places_possible_ = std::min(places_most(), places_.total() + spare);
  co_return Result<>{};
}

rt::Task<Result<>> Impl::grow_once() {
  auto measuring = measure();
  CO_TRY_VOID(co_await measuring);
  std::uint64_t to = std::min(places_possible_, places_.total() + std::max(step_least, options_.grow_step.value / block_size));
  if (to < places_.total() + std::min(step_least, places_most() - places_.total()) || to == places_.total()) {
    grow_refused_ = true;
    co_return Result<>{};
  }
  auto growing = data_->grow(to);
  CO_TRY_VOID(co_await growing);
  places_.grow(to);
  if (to == places_most()) grow_refused_ = true;
  co_return Result<>{};
}

Space Impl::space() const {
  Space out;
  out.total = Bytes{(std::max(places_possible_, places_.total()) - 1) * block_size};
  out.used = Bytes{(places_.used() - 1) * block_size};   // place 0 is nobody's
  out.reserved = Bytes{(places_.reserved() + places_.keep_back()) * block_size};
  return out;
}

}  // namespace lockstep::store
