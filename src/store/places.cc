#include "store/places.h"

#include <algorithm>

namespace lockstep::store {

bool Places::reserve(std::uint64_t blocks, bool from_reserve) {
  std::uint64_t held = reserved_ + (from_reserve ? 0 : keep_back());
  auto fits = [&] { return bits_.free() >= held && bits_.free() - held >= blocks; };
  while (!fits())
    if (!release()) return false;
  reserved_ += blocks;
  return true;
}

void Places::unreserve(std::uint64_t blocks) {
  CHECK(blocks <= reserved_);
  reserved_ -= blocks;
}

std::uint64_t Places::available() const {
  std::uint64_t held = reserved_ + keep_back();
  return bits_.free() > held ? bits_.free() - held : 0;
}

Result<std::vector<Run>> Places::allocate(std::uint64_t blocks) {
  if (blocks > reserved_) return fail(Code::invalid, "allocate: " + std::to_string(blocks) + " blocks, but only " + std::to_string(reserved_) + " are reserved");
  if (blocks > bits_.free()) return fail(Code::no_space, "allocate: " + std::to_string(blocks) + " blocks, but only " + std::to_string(bits_.free()) + " are free");
  reserved_ -= blocks;
  if (blocks == 0) return std::vector<Run>{};
  return bits_.allocate(blocks);
}

void Places::release_unused(std::span<const Run> runs) {
  for (const Run& run : runs) CHECK(bits_.clear(run) == run.count);
}

Result<> Places::check_inside(Run run, const char* who) const {
  if (run.first.value != 0 && run.count <= bits_.size() && run.first.value <= bits_.size() - run.count) return {};
  return fail(Code::corrupt, std::string(who) + " names places " + std::to_string(run.first.value) + "+" + std::to_string(run.count) +
                                 ", but the data file ends at " + std::to_string(bits_.size()) + "; restore it, or open the pool read-only");
}

Result<> Places::claim(Run run) {
  TRY_VOID(check_inside(run, "a journal record"));
  if (bits_.set(run) == run.count) return {};
  for (std::uint64_t i = 0; i < run.count; ++i) claimed_.insert(run.first.value + i);
  return {};
}

Result<> Places::load_used(Run run) {
  TRY_VOID(check_inside(run, "the map"));
  bits_.set(run);
  return {};
}

Result<> Places::load_freed(Run run) {
  TRY_VOID(check_inside(run, "table space_log"));
  bits_.clear(run);
  return {};
}

Result<> Places::load_page(std::uint64_t page, Span bits) {
  if (page <= bits_.size() / page_places && bits_.set_bits(page * page_places, bits)) return {};
  return fail(Code::corrupt, "table space_page, row " + std::to_string(page) + ": places beyond the end of the data file");
}

void Places::load_quarantine(Lsn lsn, std::vector<Run> runs) {
  for (const Run& run : runs) quarantined_ += bits_.set(run);
  batches_.push_back({lsn, 0, std::move(runs), true});
}

void Places::load_unlogged(std::vector<Place> places) {
  for (Place place : places) quarantined_ += bits_.set({place, 1});
  unlogged_ = std::move(places);
}

std::vector<Place> Places::take_unlogged() {
  quarantined_ -= unlogged_.size();
  std::erase_if(unlogged_, [&](Place place) { return claimed_.contains(place.value); });
  return std::exchange(unlogged_, {});
}

void Places::quarantine(Lsn lsn, std::vector<Run> runs) {
  if (runs.empty()) return;
  for (const Run& run : runs) quarantined_ += run.count;
  batches_.push_back({lsn, turn_++, std::move(runs), false});
  release();
}

void Places::journal_released(Lsn upto) {
  if (upto <= released_) return;
  released_ = upto;
  release();
}

bool Places::release(std::size_t most) {
  while (!batches_.empty()) {
    Batch& batch = batches_.front();
    if (batch.lsn > released_) return false;
    if (!reads_.empty() && reads_.begin()->first <= batch.turn) return false;
    for (; !batch.runs.empty() && most != 0; batch.runs.pop_back(), --most) {
      const Run& run = batch.runs.back();
      quarantined_ -= run.count;
      if (!batch.loaded || claimed_.empty()) {
        CHECK(bits_.clear(run) == run.count);
        continue;
      }
      for (std::uint64_t i = 0; i < run.count; ++i)
        if (!claimed_.contains(run.first.value + i)) CHECK(bits_.clear({Place{run.first.value + i}, 1}) == 1);
    }
    if (!batch.runs.empty()) return true;
    bool loaded = batch.loaded;
    batches_.pop_front();
    if (loaded && unlogged_.empty() && (batches_.empty() || !batches_.front().loaded)) claimed_.clear();
  }
  return false;
}

class Places::Guard final : public Store::ReadGuard {
 public:
  Guard(Places& places, std::uint64_t turn) : places_(places), turn_(turn) { ++places_.reads_[turn_]; }
  ~Guard() override {
    auto it = places_.reads_.find(turn_);
    if (--it->second != 0) return;
    places_.reads_.erase(it);
    places_.release();
  }

 private:
  Places& places_;
  std::uint64_t turn_;
};

std::unique_ptr<Store::ReadGuard> Places::begin_read() { return std::make_unique<Guard>(*this, turn_); }

}  // namespace lockstep::store
