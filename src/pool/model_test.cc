// Random histories of a pool against a plain model, with deaths, power cuts and restarts in between.
#include <gtest/gtest.h>

#include <deque>

#include "pool/history_testing.h"

namespace lockstep::pool::testing {
namespace {

constexpr std::uint64_t volume_size = (640 << 10) + 512;

std::uint64_t seeds(std::uint64_t usual) {
  const char* given = std::getenv("LOCKSTEP_POOL_SEEDS");
  return given ? std::strtoull(given, nullptr, 0) : usual;
}

}  // namespace

History::History(std::uint64_t seed, Options options, bool filled)
    : world(seed), p(world, std::move(options)), source(p.host, seed), rng_(os::sim::Rng(seed).named("history")), filled_(filled) {}

Result<> History::dead_or(Error error) {
  if (!p.host.alive()) {
    died_ = true;
    return fail(std::move(error));
  }
  trouble = std::string("refused: ") + error.message;
  return fail(std::move(error));
}

Model::Effect History::writes(std::string name, Range range, std::uint64_t tag) {
  return [=](State& state) {
    auto& sectors = state.volumes[name];
    for (std::uint64_t i = 0; i < range.length / sector_size; ++i) sectors[range.at.value / sector_size + i] = tag;
  };
}

std::string History::any_volume() {
  const auto& volumes = model.now().volumes;
  auto at = volumes.begin();
  std::advance(at, static_cast<long>(rng_.below(volumes.size())));
  return at->first;
}

History::Range History::any_range(std::uint64_t size, std::uint64_t most, bool whole_blocks) {
  std::uint64_t unit = whole_blocks ? block_size : sector_size;
  std::uint64_t units = size / unit;
  std::uint64_t at = rng_.chance(300) ? rng_.below(std::min<std::uint64_t>(units, 16)) : rng_.below(units);   // some places are hot
  std::uint64_t count = 1 + rng_.below(std::min(units - at, most / unit));
  return {Bytes{at * unit}, count * unit};
}

Result<> History::changed(Result<> done) {
  if (!done) return dead_or(done.error());
  model.end(p.pool->status().appended);
  flushed_ = p.pool->status().durable;
  model.promise(flushed_);
  return {};
}

Result<> History::set_up() {
  if (auto opened = p.open(); !opened) return dead_or(opened.error());
  for (const char* name : {"v0", "v1", "v2"}) {
    model.begin([name](State& s) { s.volumes[name] = State::Sectors(volume_size / sector_size); });
    auto made = p.run(p.pool->create_volume(name, Bytes{volume_size}));
    if (!made) return dead_or(made.error());
    TRY_VOID(changed({}));
  }
  auto group = p.run(p.pool->create_group("g", {*p.pool->find_volume("v0"), *p.pool->find_volume("v1")}));
  if (!group) return dead_or(group.error());
  return filled_ ? begin_fill() : Result<>{};
}

Result<> History::begin_fill() {
  const auto& [id, row] = *p.pool->catalog().groups.begin();
  for (VolumeId member : row.members) source.sizes[member] = volume_size;
  source.slow = true;
  model.begin([](State& s) { s.volumes["v0"] = s.volumes["v1"] = FillSource::sectors(volume_size); });
  Result<> begun = p.run(p.pool->begin_fill(id));
  p.pool->set_fetch(id, &source);
  return changed(begun);
}

bool History::filling() {
  return p.pool->catalog().volumes.at(*p.pool->find_volume("v0")).filling;
}

// Blocks [from, to) of one of the volumes, as records of one batch.
rt::Task<Result<>> History::fill_some(std::uint64_t from, std::uint64_t to) {
  GroupId group = p.pool->catalog().groups.begin()->first;
  VolumeId volume = *p.pool->find_volume(rng_.coin() ? "v0" : "v1");
  std::deque<Buffer> memory;
  std::vector<journal::Record> records;
  for (std::uint64_t at = from; at < to;) {
    std::uint64_t count = std::min(to - at, 1 + rng_.below(40));
    Buffer& bytes = memory.emplace_back();
    Buffer& sums = memory.emplace_back();
    records.push_back(source.record(volume, at, count, bytes, sums));
    at += count;
  }
  auto done = co_await p.pool->fill(group, std::move(records));
  if (!done) co_return fail(done.error());
  co_return Result<>{};
}

rt::Task<void> History::one_fill(int& left) {
  const std::uint64_t blocks = blocks_in(Bytes{volume_size});
  std::uint64_t from = rng_.below(blocks);
  std::uint64_t to = std::min(blocks, from + 1 + rng_.below(60));
  Result<> done = co_await fill_some(from, to);
  if (!done && p.host.alive() && done.error().code != Code::changed) trouble = "a fill was refused: " + done.error().message;
  --left;
}

// Holes of the source are never sent: they are what is still missing at the end.
Result<> History::finish_fill() {
  const std::uint64_t blocks = blocks_in(Bytes{volume_size});
  GroupId group = p.pool->catalog().groups.begin()->first;
  for (VolumeId volume : p.pool->catalog().groups.begin()->second.members) {
    for (std::uint64_t at = 0; at < blocks; ++at) {
      if (at % 5 == 0) continue;
      Buffer bytes, sums;
      auto done = p.run(p.pool->fill(group, {source.record(volume, at, std::min<std::uint64_t>(4, blocks - at), bytes, sums)}));
      if (!done) return dead_or(done.error());
      at += 3;
    }
  }
  Result<> ended = p.run(p.pool->end_fill(group));
  if (!ended) return dead_or(ended.error());
  if (filling()) trouble = "it is filled, and is being filled still";
  flushed_ = p.pool->status().durable;
  model.promise(flushed_);
  return {};
}

rt::Task<void> History::one_write(std::string name, Range range, std::uint64_t tag, int& left) {
  {
    VolumeRef v = p.volume(name);
    Buffer data = pattern(tag, range.at, range.length);
    Result<Lsn> lsn = fail(Code::busy, "");
    auto quick = v->try_write(range.at, data);
    if (!quick) lsn = fail(quick.error());
    else if (*quick) lsn = **quick;
    else lsn = co_await v->write(range.at, data);
    if (lsn) {
      model.step(*lsn, writes(name, range, tag));
      ignore(co_await v->await_answerable(*lsn), "a dead host answers nothing");
    } else if (p.host.alive()) {
      trouble = "a write was refused: " + lsn.error().message;
    }
  }
  --left;
}

// Several at once, each one record.
Result<> History::burst(int writers, Duration at_most) {
  int left = writers;
  std::vector<decltype(world.start(p.host.loop(), one_write("", {}, 0, left)))> tasks;
  for (int i = 0; i < writers; ++i) {
    std::string name = any_volume();
    bool big = rng_.chance(150);
    Range range = big ? Range{} : any_range(volume_size, 40 << 10, rng_.chance(700));
    if (big) {
      std::uint64_t blocks = 16 + rng_.below(32);
      range = {Bytes{rng_.below(volume_size / block_size - blocks) * block_size}, blocks * block_size};
    }
    tasks.push_back(world.start(p.host.loop(), one_write(name, range, ++tag_, left)));
    if (!filled_ || !filling() || rng_.coin()) continue;
    ++left;
    tasks.push_back(world.start(p.host.loop(), one_fill(left)));
  }
  bool all = world.run_until([&] { return left == 0 || !p.host.alive(); }, at_most);
  if (all && left == 0) return {};
  if (p.host.alive()) p.host.kill();
  died_ = true;
  p.host.finish([&] { return left == 0; });
  return fail(Code::cancelled, "died");
}

// Edges merged into the journal, the middle past it: several records.
Result<> History::long_write() {
  std::string name = any_volume();
  std::uint64_t at = rng_.below(200) * sector_size;
  std::uint64_t length = std::min<std::uint64_t>((80 << 10) + rng_.below(600) * sector_size, volume_size - at);
  std::uint64_t tag = ++tag_;
  std::uint64_t head = (block_size - at % block_size) % block_size;
  std::uint64_t middle = (length - head) / block_size * block_size;
  if (head > 0) model.begin(writes(name, {Bytes{at}, head}, tag));
  model.begin(writes(name, {Bytes{at + head}, middle}, tag));
  if (head + middle < length) model.begin(writes(name, {Bytes{at + head + middle}, length - head - middle}, tag));
  auto lsn = p.write(name, tag, Bytes{at}, length);
  if (!lsn) return dead_or(lsn.error());
  model.end(*lsn);
  return {};
}

Result<> History::zero() {
  std::string name = any_volume();
  Range range = any_range(volume_size, volume_size, false);
  std::uint64_t begin = range.at.value, end = begin + range.length;
  std::uint64_t first = (begin + block_size - 1) / block_size * block_size;
  std::uint64_t last = end == volume_size ? end : end / block_size * block_size;
  if (first >= last) {
    model.begin(writes(name, range, 0));
  } else {
    if (begin < first) model.begin(writes(name, {Bytes{begin}, first - begin}, 0));
    if (last < end) model.begin(writes(name, {Bytes{last}, end - last}, 0));
    model.begin(writes(name, {Bytes{first}, last - first}, 0));
  }
  auto lsn = p.zero(name, range.at, range.length, rng_.coin());
  if (!lsn) return dead_or(lsn.error());
  model.end(*lsn);
  return {};
}

Result<> History::flush() {
  Lsn upto = p.pool->status().appended;
  if (auto done = p.flush(any_volume()); !done) return dead_or(done.error());
  flushed_ = std::max(flushed_, upto);
  model.promise(flushed_);
  return {};
}

Result<> History::read_back() {
  std::string name = any_volume();
  Range range = any_range(volume_size, 256 << 10, false);
  auto tags = p.tags(p.volume(name), range.at, range.length);
  if (!tags) return dead_or(tags.error());
  const auto& sectors = model.now().volumes.at(name);
  VolumeRef v = p.volume(name);
  auto extents = p.run(v->extents(range.at, Bytes{range.length}, 10'000));
  if (!extents) return dead_or(extents.error());
  Bytes next = range.at;
  for (const BlockExtent& extent : *extents) {
    if (extent.at != next || extent.length.value == 0) trouble = "volume " + name + ": extents leave a gap at " + std::to_string(next.value);
    next = extent.at + extent.length;
    for (Bytes at = extent.at; extent.hole && at < next; at += Bytes{sector_size})
      if (sectors[at.value / sector_size] != 0) trouble = "volume " + name + ": data at " + std::to_string(at.value) + " are called a hole";
  }
  if (next != range.at + Bytes{range.length}) trouble = "volume " + name + ": extents end early";
  if (!trouble.empty()) return fail(Code::corrupt, trouble);
  for (std::size_t i = 0; i < tags->size(); ++i) {
    std::uint64_t expected = sectors[range.at.value / sector_size + i];
    if ((*tags)[i] == expected) continue;
    trouble = "volume " + name + ", sector " + std::to_string(range.at.value / sector_size + i) + ": expected " + std::to_string(expected) + ", read " + std::to_string((*tags)[i]);
    return fail(Code::corrupt, trouble);
  }
  return {};
}

Result<> History::catalogue() {
  const store::Catalog& catalog = p.pool->catalog();
  if (filled_ && filling()) {
    auto refused = p.run(p.pool->snapshot(catalog.groups.begin()->first, "early", ""));
    if (refused || (p.host.alive() && refused.error().code != Code::busy)) trouble = "a snapshot of what is not whole";
    return rng_.chance(80) ? finish_fill() : Result<>{};
  }
  GroupId g = catalog.groups.begin()->first;
  std::vector<SnapshotId> snapshots;
  for (const auto& [id, row] : catalog.snapshots)
    if (!row.hidden) snapshots.push_back(id);
  SnapshotId some = snapshots.empty() ? SnapshotId{} : snapshots[rng_.below(snapshots.size())];
  std::string snapshot_name = snapshots.empty() ? "" : catalog.snapshots.at(some).name;
  std::vector<std::string> clones;
  for (const auto& [id, row] : catalog.volumes)
    if (!row.hidden && row.name[0] == 'c') clones.push_back(row.name);
  int what = static_cast<int>(rng_.below(5));
  if (what == 0 && snapshots.size() < 4) {
    std::string name = "s" + std::to_string(++named_);
    model.begin([name](State& s) { s.snapshots[name] = {{"v0", s.volumes["v0"]}, {"v1", s.volumes["v1"]}}; });
    auto done = p.run(p.pool->snapshot(g, name, ""));
    return changed(done ? Result<>{} : fail(done.error()));
  }
  if (what == 1 && !snapshots.empty()) {
    model.begin([snapshot_name](State& s) { s.snapshots.erase(snapshot_name); });
    return changed(p.run(p.pool->delete_snapshot(some)));
  }
  if (what == 2 && !snapshots.empty() && clones.size() < 4) {
    std::string number = std::to_string(++named_);
    model.begin([=](State& s) {
      s.volumes["c0-" + number] = s.snapshots[snapshot_name]["v0"];
      s.volumes["c1-" + number] = s.snapshots[snapshot_name]["v1"];
    });
    auto done = p.run(p.pool->clone(some, {"c0-" + number, "c1-" + number}));
    return changed(done ? Result<>{} : fail(done.error()));
  }
  if (what == 3 && !clones.empty()) {
    std::string name = clones[rng_.below(clones.size())];
    model.begin([name](State& s) { s.volumes.erase(name); });
    return changed(p.run(p.pool->delete_volume(*p.pool->find_volume(name))));
  }
  if (what == 4 && !snapshots.empty() && snapshots.size() < 4 && rng_.chance(300)) {
    std::string name = "r" + std::to_string(++named_);
    model.begin([=](State& s) {
      s.snapshots[name] = {{"v0", s.volumes["v0"]}, {"v1", s.volumes["v1"]}};
      s.volumes["v0"] = s.snapshots[snapshot_name]["v0"];
      s.volumes["v1"] = s.snapshots[snapshot_name]["v1"];
    });
    auto done = p.run(p.pool->revert(g, some, name));
    return changed(done ? Result<>{} : fail(done.error()));
  }
  return {};
}

Result<> History::step(bool io) {
  std::uint64_t what = rng_.below(io ? 85 : 100);
  if (what < 50) return burst(1 + static_cast<int>(rng_.below(6)), std::chrono::hours(1));
  if (what < 58) return long_write();
  if (what < 64) return zero();
  if (what < 74) return flush();
  if (what < 80) return read_back();
  if (what < 82) {
    auto done = p.run(p.pool->checkpoint());
    return done ? Result<>{} : dead_or(done.error());
  }
  if (what < 85) {
    world.run_for(std::chrono::milliseconds(rng_.below(40)));
    return {};
  }
  return catalogue();
}

Result<> History::steps(int count) {
  for (int i = 0; i < count; ++i) TRY_VOID(step());
  return {};
}

State History::look() {
  State state;
  for (const auto& [id, row] : p.pool->catalog().volumes)
    if (!row.hidden) state.volumes[row.name] = must(p.tags(must(p.pool->open_volume(id)), Bytes{0}, row.size.value));
  for (const auto& [id, row] : p.pool->catalog().snapshots) {
    if (row.hidden) continue;
    for (std::size_t i = 0; i < row.volumes.size(); ++i) {
      const auto& volume = p.pool->catalog().volumes.at(row.volumes[i]);
      state.snapshots[row.name][volume.name] = must(p.tags(must(p.pool->open_snapshot(id, i)), Bytes{0}, volume.size.value));
    }
  }
  return state;
}

std::string History::reopen() {
  died_ = false;
  flushed_ = Lsn{};
  if (auto opened = p.open(); !opened) return "does not open: " + opened.error().message;
  if (p.pool->status().damage) return "opened read-only: " + *p.pool->status().damage;
  if (filled_) p.pool->set_fetch(p.pool->catalog().groups.begin()->first, &source);
  std::string wrong = model.settle(look());
  if (auto row = p.pool->catalog().groups.begin(); wrong.empty() && row != p.pool->catalog().groups.end()) {
    if (row->second.history.size() > 1000) wrong = "history grows without end";
  }
  return wrong;
}

std::string History::die(bool power_cut) {
  int writers = 1 + static_cast<int>(rng_.below(6));
  Duration patience = std::chrono::microseconds(rng_.below(400));
  bool mid_burst = rng_.coin();
  Lsn received;
  if (mid_burst) {
    // burst() kills the host when the time is over.
    ignore(burst(writers, patience), "dead or not");
  }
  received = p.pool->status().received;
  if (power_cut) {
    p.power_cut(os::sim::Tear::any);
  } else {
    model.promise(received);
    p.kill();
  }
  return reopen();
}

std::string History::died() {
  p.power_cut(os::sim::Tear::any);
  return reopen();
}

std::string History::restart_cleanly() {
  model.promise_all();
  if (auto closed = p.close(); !closed) return "does not close: " + closed.error().message;
  return reopen();
}

namespace {

static void live_and_die(std::uint64_t count, const Options& options, bool filled = false) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t seed = test_seed(i);
    SCOPED_TRACE("seed " + std::to_string(seed) + " (salt " + std::to_string(i) + ")");
    History h(seed, options, filled);
    must(h.set_up());
    for (int life = 0; life < 12; ++life) {
      SCOPED_TRACE("life " + std::to_string(life));
      auto done = h.steps(10 + static_cast<int>(seed % 30));
      ASSERT_EQ(h.trouble, "");
      ASSERT_TRUE(done) << done.error().message;
      std::string wrong = life % 4 == 3 ? h.restart_cleanly() : h.die(life % 2 == 0);
      ASSERT_EQ(wrong, "");
      ASSERT_EQ(h.trouble, "");
    }
  }
}

TEST(PoolModel, WhatIsLeftIsAPrefixOfWhatWasDone) { live_and_die(seeds(12), small_options()); }
TEST(PoolModel, WhatIsLeftOnADeviceIsAPrefixOfWhatWasDone) { live_and_die(seeds(6), image_options()); }
TEST(PoolModel, WhatIsFilledWhileItIsUsedIsAPrefixOfWhatWasDoneOverItsSource) { live_and_die(seeds(12), small_options(), true); }

TEST(PoolModel, OneSeedIsOneRun) {
  auto hash = [](std::uint64_t seed) {
    History h(seed);
    must(h.set_up());
    ignore(h.steps(30), "looked at below");
    std::string wrong = h.die(true);
    return std::pair(h.world.event_hash(), h.trouble + wrong);
  };
  EXPECT_EQ(hash(test_seed(77)), hash(test_seed(77)));
  EXPECT_EQ(hash(test_seed(77)).second, "");
}

#ifdef LOCKSTEP_SANITIZE
constexpr std::uint64_t points = 24;   // of a history at which it is cut; another few with each seed
#else
constexpr std::uint64_t points = 80;
#endif

static void cut_anywhere(std::uint64_t count, const Options& options, bool filled = false) {
  std::uint64_t cuts = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t seed = test_seed(1000 + i);
    std::uint64_t from = 0;
    std::uint64_t until = 0;
    {   // how many operations does this history take?
      History h(seed, options, filled);
      must(h.set_up());
      from = h.p.host.disk().operations();
      must(h.steps(25));
      must(h.p.run(h.p.pool->checkpoint()));
      until = h.p.host.disk().operations();
    }
    std::uint64_t stride = std::max<std::uint64_t>(1, (until - from) / points);
    for (std::uint64_t at = from + 1 + seed % stride; at <= until; at += stride, ++cuts) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", cut before operation " + std::to_string(at));
      History h(seed, options, filled);
      must(h.set_up());
      h.p.host.disk().die_before(at);
      auto done = h.steps(25);
      if (done) {
        auto checkpointed = h.p.run(h.p.pool->checkpoint());
        ASSERT_FALSE(checkpointed);
      }
      ASSERT_EQ(h.trouble, "");
      ASSERT_EQ(h.died(), "");
      must(h.steps(3));
      ASSERT_EQ(h.restart_cleanly(), "");
    }
  }
  EXPECT_GT(cuts, 0u);
}

TEST(PoolModel, APowerCutBeforeAnyOperationLosesNothingPromised) { cut_anywhere(seeds(3), small_options()); }
TEST(PoolModel, APowerCutBeforeAnyOperationOfADeviceLosesNothingPromised) { cut_anywhere(seeds(2), image_options()); }
TEST(PoolModel, APowerCutBeforeAnyOperationOfAFillLosesNothingPromised) { cut_anywhere(seeds(3), small_options(), true); }

}  // namespace
}  // namespace lockstep::pool::testing
