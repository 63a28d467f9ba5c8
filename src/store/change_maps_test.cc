// Which blocks a follower lacks: what was added and not cleared, across restarts.
#include <gtest/gtest.h>

#include <map>

#include "os/sim/rng.h"
#include "store/store_testing.h"

namespace lockstep::store {
namespace {

RelationshipId follower(int n) {
  RelationshipId id;
  id.bytes[3] = static_cast<std::byte>(n);
  return id;
}

using Blocks = std::set<std::pair<VolumeId, std::uint64_t>>;

Blocks read_back(TestStore& s, RelationshipId id, std::uint64_t volumes) {
  Blocks out;
  for (std::uint64_t v = 1; v <= volumes; ++v)
    for (std::uint64_t from = 0;;) {
      auto leaves = must(s.run(s.store->change_map(id, VolumeId{v}, from, 3)));
      if (leaves.empty()) break;
      for (const auto& leaf : leaves)
        for (std::uint64_t i = 0; i < leaf_blocks; ++i)
          if (leaf.mask[i / 64] >> (i % 64) & 1) out.insert({VolumeId{v}, leaf.leaf * leaf_blocks + i});
      from = leaves.back().leaf + 1;
    }
  return out;
}

TEST(ChangeMap, HoldsExactlyWhatWasAddedSinceItWasCleared) {
  TestStore s(os::sim::test_seed(31));
  os::sim::Rng rng(5);
  std::map<int, Blocks> model;
  for (int round = 0; round < 60; ++round) {
    Commit c;
    for (int n = 1; n <= 2; ++n) {
      ChangeMapUpdate update;
      update.follower = follower(n);
      update.clear = rng.below(12) == 0;
      if (update.clear) model[n].clear();
      std::map<std::pair<std::uint64_t, std::uint64_t>, ChangeMapUpdate::Leaf> leaves;
      for (std::uint64_t i = rng.below(20); i > 0; --i) {
        std::uint64_t volume = 1 + rng.below(2), block = rng.below(1500);
        auto& leaf = leaves[{volume, block / leaf_blocks}];
        leaf.volume = VolumeId{volume};
        leaf.leaf = block / leaf_blocks;
        leaf.mask[block % leaf_blocks / 64] |= 1ull << (block % 64);
        model[n].insert({VolumeId{volume}, block});
      }
      for (const auto& [key, leaf] : leaves) update.add.push_back(leaf);
      c.change_maps.push_back(update);
    }
    s.commit(c);
    if (round % 7 == 0) s.tidy_all();
    if (round % 13 == 0) s.reopen();
    for (int n = 1; n <= 2; ++n) {
      EXPECT_EQ(read_back(s, follower(n), 2), model[n]);
      EXPECT_EQ(must(s.run(s.store->change_map_blocks(follower(n)))), model[n].size());
    }
  }
}

TEST(ChangeMap, GoesWithItsFollower) {
  TestStore s(os::sim::test_seed(32));
  Commit c;
  FollowerRow row;
  row.id = follower(1);
  c.catalog = {row};
  ChangeMapUpdate update;
  update.follower = row.id;
  update.add = {{VolumeId{1}, 5, {1, 0}}};
  c.change_maps = {update};
  s.commit(c);
  EXPECT_EQ(must(s.run(s.store->change_map_blocks(row.id))), 1u);
  Commit gone;
  gone.catalog = {Removed<RelationshipId>{row.id}};
  s.commit(gone);
  EXPECT_EQ(must(s.run(s.store->change_map_blocks(row.id))), 0u);
  EXPECT_TRUE(read_back(s, row.id, 1).empty());
}

}  // namespace
}  // namespace lockstep::store
