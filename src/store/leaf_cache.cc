#include "store/leaf_cache.h"

#include <algorithm>

namespace lockstep::store {

void LeafCache::put(const Key& key, const LeafContent& content) {
  erase(key);
  bool alike = content[0].is_hole() && std::all_of(content.begin(), content.end(), [&](const Slot& slot) { return slot == content[0]; });
  make_room();
  std::size_t slot = cached_.size();
  if (empty_.empty()) {
    cached_.emplace_back();
  } else {
    slot = empty_.back();
    empty_.pop_back();
  }
  Cached& cached = cached_[slot];
  cached.key = key;
  cached.there = true;
  cached.recent = true;
  cached.content = alike ? nullptr : std::make_unique<LeafContent>(content);
  cached.hit = {cached.content.get(), content[0]};
  bytes_ += cost_alone + (alike ? 0 : sizeof(LeafContent));
  index_.emplace(key, slot);
}

void LeafCache::update(const Key& key, std::size_t index, const Slot& slot) {
  auto it = index_.find(key);
  if (it == index_.end()) return;
  Cached& cached = cached_[it->second];
  if (!cached.content) {
    if (cached.hit.same == slot) return;
    cached.content = std::make_unique<LeafContent>();
    cached.content->fill(cached.hit.same);
    cached.hit.content = cached.content.get();
    bytes_ += sizeof(LeafContent);
  }
  (*cached.content)[index] = slot;
}

void LeafCache::fill(const Key& key, const Slot& slot) {
  auto it = index_.find(key);
  if (it == index_.end()) return;
  Cached& cached = cached_[it->second];
  if (cached.content) bytes_ -= sizeof(LeafContent);
  cached.content.reset();
  cached.hit = {nullptr, slot};
}

void LeafCache::erase(const Key& key) {
  if (auto it = index_.find(key); it != index_.end()) drop(it->second);
}

void LeafCache::drop(std::size_t slot) {
  Cached& cached = cached_[slot];
  bytes_ -= cost_alone + (cached.content ? sizeof(LeafContent) : 0);
  index_.erase(cached.key);
  cached = Cached{};
  empty_.push_back(slot);
}

void LeafCache::make_room() {
  while (bytes_ + cost_alone + sizeof(LeafContent) > most_ && !index_.empty()) {
    hand_ = hand_ + 1 < cached_.size() ? hand_ + 1 : 0;
    Cached& cached = cached_[hand_];
    if (!cached.there) continue;
    if (cached.recent) cached.recent = false;
    else drop(hand_);
  }
}

bool LeafCache::key_at(std::size_t slot, Key& key) const {
  if (!cached_[slot].there) return false;
  key = cached_[slot].key;
  return true;
}

}  // namespace lockstep::store
