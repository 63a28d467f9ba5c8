#include "store/delta_map.h"

#include <algorithm>
#include <tuple>

namespace lockstep::store {
namespace {

bool before(const Delta& delta, const std::pair<Epoch, std::size_t>& key) {
  return std::pair(delta.epoch, delta.index()) < key;
}

}  // namespace

void DeltaMap::recount(std::size_t was, std::size_t is) {
  entries_ += is - was;
  if (was != 0) --histogram_[std::min<std::size_t>(was, leaf_blocks)];
  if (is != 0) ++histogram_[std::min<std::size_t>(is, leaf_blocks)];
}

void DeltaMap::gone(const Delta& delta, std::vector<Place>* freed) {
  auto it = live_.find(delta.row());
  CHECK(it != live_.end());
  if (--it->second == 0) live_.erase(it);
  if (freed != nullptr && delta.slot.place().value != 0) freed->push_back(delta.slot.place());
}

DeltaMap::Leaves::iterator DeltaMap::erase_if_empty(Leaves::iterator it, std::size_t was) {
  recount(was, it->second.size());
  return it->second.empty() ? leaves_.erase(it) : std::next(it);
}

void DeltaMap::put(const Chunk::Item& item, std::uint64_t row, std::vector<Place>& freed) {
  auto it = leaves_.try_emplace(LeafId{item.volume, leaf_of(item.block)}).first;
  auto& deltas = it->second;
  std::size_t was = deltas.size();
  std::size_t index = index_in_leaf(item.block);
  Delta fresh{item.slot, item.epoch, row << 8 | index};
  // Older deltas of the block: those that only the new one's readers could see are gone.
  for (std::size_t i = deltas.size(); i-- > 0;) {
    Delta& old = deltas[i];
    if (old.index() != index || old.epoch > item.epoch) continue;
    if (old.epoch != item.epoch && lineage_.is_visible(item.volume, old.epoch, item.epoch)) break;
    gone(old, old.slot.place() == item.slot.place() ? nullptr : &freed);
    deltas.erase(deltas.begin() + static_cast<std::ptrdiff_t>(i));
  }
  auto at = std::lower_bound(deltas.begin(), deltas.end(), std::pair(item.epoch, index), before);
  deltas.insert(at, fresh);
  ++live_[row];
  recount(was, deltas.size());
}

void DeltaMap::change_zeroes(const Chunk::Zero& zero, const std::uint64_t* row) {
  auto& of = zeroes_[zero.volume];
  auto& intervals = of[zero.epoch];
  auto weigh = [&](bool add) {   // what touches the interval, and its neighbours that may merge with it
    std::uint64_t from = zero.first == 0 ? 0 : zero.first - 1;
    for (auto it = intervals.reaching(from); it != intervals.all().end() && it->first <= zero.end; ++it) {
      if (add) {
        ++live_[it->second.value];
        ++intervals_;
        continue;
      }
      auto live = live_.find(it->second.value);
      if (--live->second == 0) live_.erase(live);
      --intervals_;
    }
  };
  weigh(false);
  if (row != nullptr) intervals.assign(zero.first, zero.end, *row);
  else intervals.cut(zero.first, zero.end);
  weigh(true);
  if (intervals.empty()) of.erase(zero.epoch);
  if (of.empty()) zeroes_.erase(zero.volume);
}

void DeltaMap::put_zero(const Chunk::Zero& zero, std::uint64_t row) { change_zeroes(zero, &row); }
void DeltaMap::cut(const Chunk::Zero& zero) {
  if (zeroes_.contains(zero.volume)) change_zeroes(zero, nullptr);
}

std::uint64_t DeltaMap::erase_under(const Chunk::Zero& zero, std::uint64_t from, std::size_t most, std::vector<Place>& freed) {
  auto it = leaves_.lower_bound({zero.volume, from});
  for (; it != leaves_.end() && it->first.volume == zero.volume && it->first.leaf < zero.end; --most) {
    if (most == 0) return it->first.leaf;
    auto& deltas = it->second;
    std::size_t was = deltas.size();
    std::erase_if(deltas, [&](const Delta& delta) {
      if (delta.epoch > zero.epoch) return false;
      if (delta.epoch != zero.epoch && lineage_.is_visible(zero.volume, delta.epoch, zero.epoch)) return false;
      gone(delta, &freed);
      return true;
    });
    it = erase_if_empty(it, was);
  }
  return zero.end;
}

void DeltaMap::forget(LeafId id) {
  if (auto it = leaves_.find(id); it != leaves_.end()) {
    std::size_t was = it->second.size();
    for (const Delta& delta : it->second) gone(delta, nullptr);
    it->second.clear();
    erase_if_empty(it, was);
  }
  auto of = zeroes_.find(id.volume);
  if (of == zeroes_.end()) return;
  std::vector<Epoch> epochs;
  for (const auto& [epoch, intervals] : of->second)
    if (intervals.find(id.leaf) != nullptr) epochs.push_back(epoch);
  for (Epoch epoch : epochs) cut({id.volume, epoch, id.leaf, id.leaf + 1});
}

bool DeltaMap::drop_volume(VolumeId volume, std::size_t most, std::vector<Place>& freed) {
  auto it = leaves_.lower_bound({volume, 0});
  for (; it != leaves_.end() && it->first.volume == volume; --most) {
    if (most == 0) return false;
    std::size_t was = it->second.size();
    for (const Delta& delta : it->second) gone(delta, &freed);
    it->second.clear();
    it = erase_if_empty(it, was);
  }
  while (zeroes_.contains(volume)) {
    const auto& [epoch, intervals] = *zeroes_.at(volume).begin();
    const auto& [first, held] = *intervals.all().begin();
    cut({volume, epoch, first, held.end});
  }
  return true;
}

bool DeltaMap::is_hidden(LeafId id, std::size_t index, Epoch epoch) const {
  if (auto it = leaves_.find(id); it != leaves_.end())
    for (const Delta& delta : it->second)
      if (delta.epoch > epoch && delta.index() == index) return true;
  if (auto of = zeroes_.find(id.volume); of != zeroes_.end())
    for (auto it = of->second.upper_bound(epoch); it != of->second.end(); ++it)
      if (it->second.find(id.leaf) != nullptr) return true;
  return false;
}

void DeltaMap::overlay(LeafId id, Epoch base, Epoch upto, LeafContent& content) const {
  static const std::vector<Delta> none;
  auto it = leaves_.find(id);
  const auto& deltas = it == leaves_.end() ? none : it->second;
  std::size_t next = 0;
  auto apply_before = [&](Epoch epoch) {   // deltas of epochs below it
    for (; next < deltas.size() && deltas[next].epoch < epoch; ++next)
      if (deltas[next].epoch >= base && deltas[next].epoch <= upto) content[deltas[next].index()] = deltas[next].slot;
  };
  if (auto of = zeroes_.find(id.volume); of != zeroes_.end())
    for (const auto& [epoch, intervals] : of->second) {
      if (epoch < base || epoch > upto || intervals.find(id.leaf) == nullptr) continue;
      apply_before(epoch);
      content.fill(zero_slot);
    }
  apply_before(Lineage::forever);
}

std::vector<DeltaGroup> DeltaMap::groups(LeafId id) const {
  std::map<Epoch, DeltaGroup> groups;
  if (auto of = zeroes_.find(id.volume); of != zeroes_.end())
    for (const auto& [epoch, intervals] : of->second)
      if (intervals.find(id.leaf) != nullptr) groups[epoch].zero = true;
  if (auto it = leaves_.find(id); it != leaves_.end())
    for (const Delta& delta : it->second) groups[delta.epoch].items.emplace_back(static_cast<std::uint8_t>(delta.index()), delta.slot);
  std::vector<DeltaGroup> out;
  for (auto& [epoch, group] : groups) {
    group.epoch = epoch;
    out.push_back(std::move(group));
  }
  return out;
}

bool DeltaMap::next_leaf(LeafId& from) const {
  auto it = leaves_.lower_bound(from);
  if (it == leaves_.end()) return false;
  from = it->first;
  return true;
}

bool DeltaMap::touched(LeafId id, Epoch after, Epoch upto) const {
  if (auto it = leaves_.find(id); it != leaves_.end())
    for (const Delta& delta : it->second)
      if (delta.epoch > after && delta.epoch <= upto) return true;
  if (auto of = zeroes_.find(id.volume); of != zeroes_.end())
    for (const auto& [epoch, intervals] : of->second)
      if (epoch > after && epoch <= upto && intervals.find(id.leaf) != nullptr) return true;
  return false;
}

std::size_t DeltaMap::count(LeafId id) const {
  auto it = leaves_.find(id);
  return it == leaves_.end() ? 0 : it->second.size();
}

bool DeltaMap::next_zero(VolumeId volume, Epoch upto, std::uint64_t leaf, Chunk::Zero& out) const {
  auto of = zeroes_.find(volume);
  if (of == zeroes_.end()) return false;
  bool found = false;
  for (const auto& [epoch, intervals] : of->second) {
    if (epoch > upto) break;
    auto it = intervals.all().upper_bound(leaf);
    if (it != intervals.all().begin() && std::prev(it)->second.end > leaf) --it;
    if (it == intervals.all().end() || (found && out.first <= it->first)) continue;
    out = {volume, epoch, it->first, it->second.end};
    found = true;
  }
  return found;
}

bool DeltaMap::first_zero(Chunk::Zero& out) const {
  if (zeroes_.empty()) return false;
  const auto& [volume, of] = *zeroes_.begin();
  const auto& [epoch, intervals] = *of.begin();
  const auto& [first, held] = *intervals.all().begin();
  out = {volume, epoch, first, held.end};
  return true;
}

std::uint64_t DeltaMap::live(std::uint64_t row) const {
  auto it = live_.find(row);
  return it == live_.end() ? 0 : it->second;
}

bool DeltaMap::move(const Chunk::Item& item, std::uint64_t row, std::uint64_t to) {
  auto it = leaves_.find({item.volume, leaf_of(item.block)});
  if (it == leaves_.end()) return false;
  std::pair key(item.epoch, std::size_t{index_in_leaf(item.block)});
  auto at = std::lower_bound(it->second.begin(), it->second.end(), key, before);
  if (at == it->second.end() || at->epoch != key.first || at->index() != key.second || at->row() != row) return false;
  gone(*at, nullptr);
  at->row_and_index = to << 8 | key.second;
  ++live_[to];
  return true;
}

std::vector<Chunk::Zero> DeltaMap::move_zeroes(std::uint64_t row, std::uint64_t to) {
  std::vector<Chunk::Zero> moved;
  for (const auto& [volume, of] : zeroes_)
    for (const auto& [epoch, intervals] : of)
      for (const auto& [first, held] : intervals.all())
        if (held.value == row) moved.push_back({volume, epoch, first, held.end});
  for (const auto& zero : moved) change_zeroes(zero, &to);
  return moved;
}

}  // namespace lockstep::store
