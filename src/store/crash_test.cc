// A machine that dies before any operation of its disk: what is found afterwards is exactly the last commit or the one that was running.
#include <gtest/gtest.h>

#include "os/sim/rng.h"
#include "store/model_testing.h"

namespace lockstep::store {
namespace {

constexpr std::uint64_t hot_blocks = 3 * leaf_blocks;

// Starts `task`; false when the host died under it. The store is gone then.
bool survives(TestStore& s, rt::Task<Result<>> task) {
  auto end = s.world.start(s.host.loop(), std::move(task));
  s.world.run_until([&] { return end->has_value() || !s.host.alive(); });
  if (s.host.alive()) {
    must(std::move(**end));
    return true;
  }
  s.host.finish([&] { return end->has_value(); });
  return false;
}

void restart(TestStore& s, os::sim::Tear tear) {
  s.host.power_cut(tear);
  auto closing = [](Store& store) -> rt::Task<void> {
    auto task = store.close();
    ignore(co_await task, "the host is dead");
  };
  if (s.store) s.host.finish(closing(*s.store));
  s.store.reset();
  s.host.restart();
  s.open();
}

bool reads_as(TestStore& s, const Model::State& state) {
  for (const auto& [id, volume] : state.volumes) {
    if (!s.store->catalog().volumes.contains(id)) return false;
    if (volume.row.hidden) continue;
    auto entries = s.lookup({id, state.epoch}, 0, hot_blocks);
    for (std::uint64_t block = 0; block < hot_blocks; ++block) {
      auto it = volume.head.find(block);
      bool hole = entries[block].kind == EntryKind::absent || entries[block].kind == EntryKind::zero;
      if (it == volume.head.end() ? !hole : entries[block] != it->second) return false;
    }
  }
  for (const auto& [id, snapshot] : state.snapshots)
    if (!s.store->catalog().snapshots.contains(id)) return false;
  return s.store->catalog().volumes.size() == state.volumes.size() && s.store->catalog().snapshots.size() == state.snapshots.size();
}

rt::Task<Result<>> commit_and_tidy(Store& store, Commit commit, int slices) {
  auto committing = store.commit(std::move(commit));
  CO_TRY_VOID(co_await committing);
  for (int i = 0; i < slices; ++i) {
    auto tidying = store.tidy();
    CO_TRY(bool more, co_await tidying);
    if (!more) break;
  }
  co_return Result<>{};
}

void some_changes(Model& model, os::sim::Rng& rng) {
  for (int i = 0; i < 6; ++i) {
    std::size_t which = rng.below(4);
    switch (rng.below(10)) {
      case 0: model.snapshot(rng.below(256)); break;
      case 1: model.clone(which, false); break;
      case 2: model.delete_snapshot(which); break;
      case 3: model.zero(which, rng.below(hot_blocks), 1 + rng.below(400)); break;
      case 4: model.zero(which, rng.below(hot_blocks - 40), 1 + rng.below(30)); break;
      default: model.write(which, rng.below(hot_blocks - 40), 1 + rng.below(30), false); break;
    }
  }
}

// One life: some commits, then one that dies `operations` operations in, then life goes on. False when it no longer died.
bool dies_after(std::uint64_t seed, std::uint64_t operations, os::sim::Tear tear) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(operations));
  os::sim::Rng rng(seed);
  Options options = TestStore::small();
  options.delta_budget = Bytes{rng.below(2) * 6000};
  TestStore s(seed, options);
  Model model(s);
  model.make_volume();
  model.make_volume();
  int before = 1 + static_cast<int>(rng.below(4));
  for (int i = 0; i < before; ++i) {
    some_changes(model, rng);
    model.commit();
    if (rng.below(2) != 0) model.release();
    if (rng.below(2) != 0) must(s.run(s.store->tidy()));
  }
  Model::State old = model.state();
  some_changes(model, rng);
  Commit commit = model.pending();
  commit.checkpoint_lsn = Lsn{s.store->checkpoint_lsn().value + 1};
  s.host.disk().die_before(s.host.disk().operations() + operations);
  bool survived = survives(s, commit_and_tidy(*s.store, commit, 3));
  Model::State fresh = model.state();
  bool done = survived;
  s.host.disk().die_before(0);
  restart(s, tear);
  bool is_old = s.store->checkpoint_lsn().value + 1 == commit.checkpoint_lsn.value;
  EXPECT_TRUE(is_old || s.store->checkpoint_lsn() == commit.checkpoint_lsn);
  EXPECT_FALSE(is_old && survived) << "a commit that returned is gone";
  EXPECT_TRUE(reads_as(s, is_old ? old : fresh));
  model.restore(is_old ? old : fresh);
  model.commit();
  model.check_space(false);
  some_changes(model, rng);
  model.commit();
  model.delete_all();
  model.commit();
  s.tidy_all();
  model.release();
  EXPECT_EQ(s.store->space().used, Bytes{0});
  return !done;
}

TEST(Crash, DyingBeforeAnyDiskOperationLeavesTheOldCommitOrTheNew) {
#ifdef LOCKSTEP_SANITIZE
  constexpr std::uint64_t seeds = 4;
#else
  constexpr std::uint64_t seeds = 16;
#endif
  std::uint64_t deaths = 0;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    std::uint64_t seed = os::sim::test_seed(1000 + i);
    for (std::uint64_t n = 1; n < 400; ++n) {
      if (!dies_after(seed, n, n % 3 == 0 ? os::sim::Tear::lose_all : os::sim::Tear::any)) break;
      ++deaths;
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(deaths, seeds * 10);
  RecordProperty("deaths", std::to_string(deaths));
}

}  // namespace
}  // namespace lockstep::store
