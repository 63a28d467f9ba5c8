// The version algebra, space accounting and collection against the plain model.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "store/model_testing.h"

namespace lockstep::store {
namespace {

constexpr std::uint64_t hot_blocks = 5 * leaf_blocks;
constexpr std::uint64_t all_blocks = (1ull << 30) / block_size;

std::string name_of(View view, std::uint64_t block) {
  return "volume " + std::to_string(view.volume.value) + ", epoch " + std::to_string(view.epoch.value) + ", block " + std::to_string(block);
}

bool agrees(const Entry& entry, const Model::Content& content, std::uint64_t block) {
  auto it = content.find(block);
  if (it == content.end()) return entry.kind == EntryKind::absent || entry.kind == EntryKind::zero;
  return entry == it->second;
}

}  // namespace

void Model::commit() {
  // Reads that run beside it see what they saw, unless the commit names their blocks.
  struct Beside {
    View view;
    std::uint64_t block;
    std::shared_ptr<std::vector<Entry>> out;
  };
  std::vector<Beside> beside;
  std::vector<std::shared_ptr<std::optional<Result<>>>> ends;
  for (const auto& [view, content] : views()) {
    bool committed = s_.store->catalog().volumes.contains(view.volume) && view.epoch <= s_.store->catalog().epoch;
    if (!committed || zeroed_.contains(view.volume)) continue;
    std::uint64_t block = (view.volume.value * 37 + view.epoch.value * 11) % hot_blocks;
    auto out = std::make_shared<std::vector<Entry>>(3);
    bool named = false;
    for (std::uint64_t i = 0; i < 3; ++i) named = named || touched_.contains({view.volume, block + i});
    if (named || volumes_.at(view.volume).row.origin.value != 0) continue;   // an origin's blocks may be named too
    beside.push_back({view, block, out});
    ends.push_back(s_.world.start(s_.host.loop(), s_.store->lookup(view, Block{block}, *out)));
  }
  s_.commit(std::move(pending_));
  for (auto& end : ends) {
    s_.world.run_until([&] { return end->has_value(); });
    must(std::move(**end));
  }
  pending_ = {};
  touched_.clear();
  zeroed_.clear();
  std::set<Place> now;
  for (const auto& [view, content] : views())
    for (const auto& [block, entry] : *content) now.insert(entry.place);
  ++turn_;
  for (Place place : committed_refs_)
    if (!now.contains(place)) limbo_[place] = {s_.store->checkpoint_lsn(), turn_};
  for (Place place : uncommitted_)
    if (!now.contains(place)) limbo_[place] = {s_.store->checkpoint_lsn(), turn_};
  committed_refs_ = std::move(now);
  uncommitted_.clear();
  for (const auto& one : beside)
    for (std::size_t i = 0; i < one.out->size(); ++i) {
      const Content* content = nullptr;
      for (const auto& [view, c] : views())
        if (view.volume == one.view.volume && view.epoch == one.view.epoch) content = c;
      if (content != nullptr) claim(agrees((*one.out)[i], *content, one.block + i), "beside a commit: " + name_of(one.view, one.block + i));
    }
}

// Lookups and housekeeping at once: every leaf of every view is asked for while versions and deltas change place.
void Model::check_beside_tidy(std::uint64_t salt) {
  if (has_pending()) return;
  struct Asked {
    View view;
    const Content* content;
    std::uint64_t block;
    std::shared_ptr<std::vector<Entry>> out;
    std::shared_ptr<std::optional<Result<>>> end;
  };
  std::vector<Asked> asked;
  auto tidied = s_.world.start(s_.host.loop(), s_.store->tidy());
  for (int round = 0; round < 2; ++round) {
    for (const auto& [view, content] : views()) {
      Asked one{view, content, (salt + view.epoch.value * 131 + static_cast<std::uint64_t>(round) * 77) % hot_blocks, std::make_shared<std::vector<Entry>>(leaf_blocks), {}};
      one.end = s_.world.start(s_.host.loop(), s_.store->lookup(view, Block{one.block}, *one.out));
      asked.push_back(one);
    }
    s_.world.run_until([&] { return tidied->has_value(); });
    must(std::move(**tidied));
    tidied = s_.world.start(s_.host.loop(), s_.store->tidy());
  }
  s_.world.run_until([&] { return tidied->has_value(); });
  must(std::move(**tidied));
  for (const Asked& one : asked) {
    s_.world.run_until([&] { return one.end->has_value(); });
    must(std::move(**one.end));
    for (std::size_t i = 0; i < one.out->size(); ++i)
      claim(agrees((*one.out)[i], *one.content, one.block + i), "beside housekeeping: " + name_of(one.view, one.block + i));
  }
}

void Model::check() {
  for (const auto& [view, content] : views()) {
    auto entries = s_.lookup(view, 0, hot_blocks);
    for (std::uint64_t block = 0; block < hot_blocks; ++block) claim(agrees(entries[block], *content, block), name_of(view, block));
    std::vector<Entry> again(3);
    auto hit = must(s_.store->try_lookup(view, Block{leaf_blocks - 1}, again));
    if (hit)
      for (std::uint64_t i = 0; i < 3; ++i) claim(agrees(again[i], *content, leaf_blocks - 1 + i), "cached: " + name_of(view, leaf_blocks - 1 + i));
    // Extents: the same, run by run.
    std::uint64_t at = 0;
    while (at < all_blocks) {
      auto runs = must(s_.run(s_.store->extents(view, Block{at}, 7)));
      claim(!runs.empty(), "extents end before the volume does");
      for (const auto& run : runs) {
        claim(run.block.value == at, "extents leave a gap at " + name_of(view, at));
        bool hole = run.kind == EntryKind::absent || run.kind == EntryKind::zero;
        if (hole) claim(content->lower_bound(at) == content->lower_bound(at + run.count), "a hole over data: " + name_of(view, at));
        else
          for (std::uint64_t b = at; b < at + run.count; ++b) claim(content->contains(b), "data over a hole: " + name_of(view, b));
        at += run.count;
      }
    }
  }
}

void Model::check_diff(std::size_t a, std::size_t b) {
  auto all = views();
  if (all.empty()) return;
  auto [older, was] = all[a % all.size()];
  auto [newer, is] = all[b % all.size()];
  std::set<std::uint64_t> expected;
  for (std::uint64_t block = 0; block < all_blocks; ++block) {
    if (block == hot_blocks) break;
    auto x = was->find(block), y = is->find(block);
    bool same = x == was->end() || y == is->end() ? x == was->end() && y == is->end() : x->second.checksum == y->second.checksum;
    if (!same) expected.insert(block);
  }
  std::set<std::uint64_t> found;
  for (std::uint64_t from = 0;;) {
    auto leaves = must(s_.run(s_.store->diff(older, newer, from, 2)));
    if (leaves.empty()) break;
    for (const auto& leaf : leaves) {
      for (std::uint64_t i = 0; i < leaf_blocks; ++i)
        if (leaf.mask[i / 64] >> (i % 64) & 1) found.insert(leaf.leaf * leaf_blocks + i);
      from = leaf.leaf + 1;
    }
  }
  claim(found == expected, "diff of " + name_of(older, 0) + " and " + name_of(newer, 0) + ": " + std::to_string(found.size()) + " blocks, not " +
                               std::to_string(expected.size()));
  auto hashes_a = must(s_.run(s_.store->leaf_hashes(older, 0, 6)));
  auto hashes_b = must(s_.run(s_.store->leaf_hashes(newer, 0, 6)));
  for (std::uint64_t leaf = 0; leaf < 6; ++leaf) {
    bool differs = expected.lower_bound(leaf * leaf_blocks) != expected.lower_bound((leaf + 1) * leaf_blocks);
    claim(differs == (hashes_a[leaf] != hashes_b[leaf]), "the hash of leaf " + std::to_string(leaf));
  }
}

void Model::check_space(bool exact) {
  std::uint64_t used = s_.store->space().used.value / block_size;
  std::set<Place> referenced = this->referenced();
  claim(used >= referenced.size(), "less space is used than blocks are kept: " + std::to_string(used) + " < " + std::to_string(referenced.size()));
  if (exact) claim(used == referenced.size(), "space is lost: " + std::to_string(used) + " used, " + std::to_string(referenced.size()) + " kept");
  for (Place place : referenced) claim(s_.impl().places().is_taken(place), "a place in use counts as free: " + std::to_string(place.value));
}

namespace {

struct Step {
  std::uint8_t what = 0;
  std::uint16_t a = 0, b = 0, c = 0;
};

}  // namespace
}  // namespace lockstep::store

namespace rc {
template <>
struct Arbitrary<lockstep::store::Step> {
  static Gen<lockstep::store::Step> arbitrary() {
    using lockstep::store::Step;
    return gen::build<Step>(gen::set(&Step::what, gen::inRange<std::uint8_t>(0, 32)), gen::set(&Step::a), gen::set(&Step::b), gen::set(&Step::c));
  }
};
}  // namespace rc

namespace lockstep::store {
namespace {

std::ostream& operator<<(std::ostream& out, const Step& s) { return out << int{s.what} << ':' << s.a << ',' << s.b << ',' << s.c; }

void play(const std::vector<Step>& steps, Options options) {
  TestStore s(os::sim::test_seed(77), options);
  Model model(s);
  model.make_volume();
  model.make_volume();
  model.commit();
  for (const Step& step : steps) {
    switch (step.what) {
      case 0: model.make_volume(); break;
      case 1: case 2: case 3: case 4: case 5: model.write(step.a, step.b % (hot_blocks - 70), 1 + step.c % 8, false); break;
      case 6: case 7: model.write(step.a, step.b % (hot_blocks - 70), 1 + step.c % 70, false); break;
      case 8: model.write(step.a, step.b % (hot_blocks - 70), 1 + step.c % 30, true); break;
      case 9: case 10: model.zero(step.a, step.b % (hot_blocks - 70), 1 + step.c % 70); break;
      case 11: model.zero(step.a, step.b % hot_blocks, 1 + step.c % 2000); break;
      case 12: model.zero(step.a, step.b % 2000, 200000); break;
      case 13: case 14: model.snapshot(step.a); break;
      case 15: model.clone(step.a, step.b & 1); break;
      case 16: case 17: model.delete_snapshot(step.a); break;
      case 18: if (step.b % 3 == 0) model.delete_volume(step.a); break;
      case 19: if (step.b % 3 == 0) model.revert(step.a); break;
      case 20: model.release(); break;
      case 21: model.begin_read(); break;
      case 22: model.end_reads(); break;
      case 23: model.check_beside_tidy(step.a); break;
      case 24:
        for (int i = 0; i < 1 + step.a % 3; ++i) must(s.run(s.store->tidy()));
        break;
      case 25:
        model.commit();
        model.reopen();
        model.check();
        break;
      case 26:
        model.commit();
        model.check_diff(step.a, step.b);
        model.check_space(false);
        break;
      case 27:
        model.commit();
        s.tidy_all();
        model.check_space(false);
        break;
      default: model.commit(); model.check(); break;
    }
  }
  model.commit();
  model.check();
  model.end_reads();
  s.tidy_all();
  model.release();
  model.check();
  model.check_space(options.delta_budget.value == 0);
  model.reopen();
  model.release();
  model.check();
  model.check_space(options.delta_budget.value == 0);
  model.delete_all();
  model.commit();
  s.tidy_all();
  model.release();
  model.check_space(true);
  claim(s.store->space().used == Bytes{0}, "everything was deleted, and " + std::to_string(s.store->space().used.value) + " bytes are used");
  model.reopen();
  claim(s.store->space().used == Bytes{0}, "used after reopening");
}

void property(Options options) {
  auto result = rc::check([&](const std::vector<Step>& steps) {
    try {
      play(steps, options);
    } catch (const Wrong& wrong) {
      RC_FAIL(wrong.what);
    }
  });
  EXPECT_TRUE(result);
}

TEST(Model, EveryViewReadsWhatWasWrittenAndAllSpaceComesBackWhenFoldingAtOnce) {
  Options options = TestStore::small();
  options.delta_budget = Bytes{0};
  property(options);
}

TEST(Model, EveryViewReadsWhatWasWrittenAndAllSpaceComesBackWhenFoldingLate) {
  Options options = TestStore::small();
  options.delta_budget = 64_KiB;
  property(options);
}

TEST(Model, EveryViewReadsWhatWasWrittenAndAllSpaceComesBackWhenHardlyFolding) {
  Options options = TestStore::small();
  options.delta_budget = 16_MiB;
  options.leaf_cache = 16_MiB;
  property(options);
}

}  // namespace
}  // namespace lockstep::store
