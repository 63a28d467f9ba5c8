// LeafCache: leaves as views see them: versions, deltas and origins already merged. A hit is one hash lookup.
// Promises: bounded bytes; recently used leaves outlive others (CLOCK). Refuses: nothing; what is not kept is loaded again.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/base.h"
#include "store/slot.h"

namespace lockstep::store {

class LeafCache {
 public:
  struct Key {
    VolumeId volume;
    Epoch epoch;              // Lineage::forever for the head
    std::uint64_t leaf = 0;
    bool operator==(const Key&) const = default;
  };

  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      std::uint64_t h = key.leaf * 0x9E3779B97F4A7C15ull + key.volume.value * 0xC2B2AE3D27D4EB4Full + key.epoch.value * 0x165667B19E3779F9ull;
      return h ^ (h >> 29);
    }
  };

  explicit LeafCache(Bytes most) : most_(most.value) {}

  // A slot of the leaf, or of all its blocks when they are alike.
  struct Hit {
    const LeafContent* content = nullptr;   // nullptr: every block is `same`
    Slot same;
    [[nodiscard]] const Slot& at(std::size_t index) const { return content != nullptr ? (*content)[index] : same; }
  };
  [[nodiscard]] const Hit* find(const Key& key) {
    auto it = index_.find(key);
    if (it == index_.end()) return nullptr;
    Cached& cached = cached_[it->second];
    cached.recent = true;
    return &cached.hit;
  }
  [[nodiscard]] bool contains(const Key& key) const { return index_.contains(key); }

  void put(const Key& key, const LeafContent& content);
  void update(const Key& key, std::size_t index, const Slot& slot);   // if it is there
  void fill(const Key& key, const Slot& slot);                        // if it is there
  void erase(const Key& key);

  // For changes of long intervals: all keys, in slots [0, size()); false for an empty slot.
  [[nodiscard]] std::size_t size() const { return cached_.size(); }
  [[nodiscard]] bool key_at(std::size_t slot, Key& key) const;
  [[nodiscard]] Bytes bytes() const { return Bytes{bytes_}; }

 private:
  struct Cached {
    Key key;
    Hit hit;
    std::unique_ptr<LeafContent> content;
    bool recent = false;
    bool there = false;
  };
  static constexpr std::uint64_t cost_alone = 144;   // bytes: the slot and its index entry
  void drop(std::size_t slot);
  void make_room();

  std::uint64_t most_;
  std::uint64_t bytes_ = 0;
  std::size_t hand_ = 0;
  std::vector<Cached> cached_;
  std::vector<std::size_t> empty_;
  std::unordered_map<Key, std::size_t, Hash> index_;
};

}  // namespace lockstep::store
