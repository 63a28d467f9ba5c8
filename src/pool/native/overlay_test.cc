#include "pool/native/overlay.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "pool/native/gather.h"

namespace lockstep::pool::native {
namespace {

using journal::Kind;
using journal::Record;

// Records over memory of its own, as the journal would hand them out.
struct Batch {
  Buffer bytes;
};
Record record(Kind kind, std::uint64_t block, std::uint64_t count, Lsn lsn, std::uint64_t tag) {
  auto batch = std::make_shared<Batch>();
  Record r;
  r.kind = kind;
  r.block = Block{block};
  r.count = count;
  r.lsn = lsn;
  std::size_t sums = kind == Kind::zero ? 0 : 8 * count;
  std::size_t places = kind == Kind::direct ? 8 * count : 0;
  std::size_t data = kind == Kind::write ? block_size * count : 0;
  batch->bytes.resize(sums + places + data);
  std::byte* at = batch->bytes.data();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (kind == Kind::write) {
      store_le(at + sums + i * block_size, tag + i);
      store_le(at + 8 * i, checksum_of(Span(at + sums + i * block_size, block_size)).value);
    } else if (kind == Kind::direct) {
      store_le(at + 8 * i, tag + i);
      store_le(at + sums + 8 * i, tag + i);
    }
  }
  r.checksums = Span(at, sums);
  r.places = Span(at + sums, places);
  r.data = Span(at + sums, data);
  r.hold = batch;
  return r;
}

std::uint64_t tag_of(const Hit& hit) {
  switch (hit.kind) {
    case Hit::Kind::none: return ~std::uint64_t{0};
    case Hit::Kind::zero: return 0;
    case Hit::Kind::data: return load_le<std::uint64_t>(hit.data);
    case Hit::Kind::direct: return hit.place.value;
  }
  return 0;
}

TEST(CellTable, FindsWhatWasPutAndReplaces) {
  CellTable table;
  std::mt19937_64 random(7);
  std::map<std::uint64_t, std::uint32_t> model;
  for (std::uint32_t i = 1; i < 50'000; ++i) {
    std::uint64_t block = random() % 20'000 * (i % 3 == 0 ? 1 : 1'000'003);
    Cell cell;
    cell.key = block + 1;
    cell.lsn = i;
    EXPECT_EQ(table.put(cell), model.contains(block));
    model[block] = i;
  }
  EXPECT_EQ(table.size(), model.size());
  for (auto [block, lsn] : model) ASSERT_EQ(table.find(Block{block})->lsn, lsn);
  EXPECT_EQ(table.find(Block{123'456'789'012}), nullptr);
  std::size_t seen = 0;
  table.each([&](const Cell&) { ++seen; });
  EXPECT_EQ(seen, model.size());
}

TEST(StretchMap, ALaterStretchCutsEarlierOnes) {
  StretchMap map;
  map.put(0, Stretch{.end = 100, .lsn = 1});
  map.put(20, Stretch{.end = 30, .lsn = 2});
  map.put(25, Stretch{.end = 50, .lsn = 3});
  map.put(90, Stretch{.end = 110, .lsn = 4});
  auto lsn_at = [&](std::uint64_t block) { return map.find(Block{block}) ? map.find(Block{block})->lsn : 0; };
  EXPECT_EQ(lsn_at(0), 1u);
  EXPECT_EQ(lsn_at(19), 1u);
  EXPECT_EQ(lsn_at(20), 2u);
  EXPECT_EQ(lsn_at(24), 2u);
  EXPECT_EQ(lsn_at(25), 3u);
  EXPECT_EQ(lsn_at(49), 3u);
  EXPECT_EQ(lsn_at(50), 1u);
  EXPECT_EQ(lsn_at(89), 1u);
  EXPECT_EQ(lsn_at(90), 4u);
  EXPECT_EQ(lsn_at(109), 4u);
  EXPECT_EQ(lsn_at(110), 0u);
  map.put(0, Stretch{.end = 1000, .lsn = 5});
  EXPECT_EQ(map.all().size(), 1u);
}

TEST(Overlay, SnapshotsReadTheirLayersAndOlderOnes) {
  Overlay overlay(Epoch{1}, Lsn{0});
  VolumeLayers& v = overlay.of(VolumeId{1});
  overlay.add(v, record(Kind::write, 0, 4, Lsn{1}, 100));
  overlay.close_layer(Epoch{2}, Lsn{2});
  overlay.add(v, record(Kind::write, 1, 1, Lsn{3}, 200));
  overlay.add(v, record(Kind::zero, 2, 1, Lsn{4}, 0));
  EXPECT_EQ(tag_of(v.find(Block{1}, Epoch{1})), 101u);
  EXPECT_EQ(tag_of(v.find(Block{2}, Epoch{1})), 102u);
  EXPECT_EQ(tag_of(v.find(Block{1}, Epoch{2})), 200u);
  EXPECT_EQ(tag_of(v.find(Block{2}, Epoch{2})), 0u);
  EXPECT_EQ(tag_of(v.find(Block{3}, Epoch{2})), 103u);
  EXPECT_EQ(v.find(Block{9}, Epoch{2}).kind, Hit::Kind::none);
}

TEST(Overlay, CountsWhatItHoldsAndWhatWasReservedInVain) {
  Overlay overlay(Epoch{1}, Lsn{0});
  VolumeLayers& v = overlay.of(VolumeId{1});
  EXPECT_TRUE(overlay.empty());
  EXPECT_EQ(overlay.add(v, record(Kind::write, 0, 8, Lsn{1}, 1)), 0u);
  EXPECT_EQ(overlay.add(v, record(Kind::write, 4, 8, Lsn{2}, 1)), 4u);
  EXPECT_EQ(overlay.reserved(), 12u);
  EXPECT_EQ(overlay.bytes().value, 2 * Overlay::cost_of_data(8));
  auto frozen = overlay.freeze(Lsn{2});
  ASSERT_EQ(frozen.size(), 1u);
  overlay.add(v, record(Kind::write, 0, 1, Lsn{3}, 9));
  auto gone = overlay.drop(1);
  EXPECT_EQ(overlay.dropped(), Lsn{2});
  EXPECT_EQ(overlay.bytes().value, Overlay::cost_of_data(1));
  EXPECT_EQ(tag_of(v.find(Block{0}, Epoch{1})), 9u);
  EXPECT_EQ(v.find(Block{1}, Epoch{1}).kind, Hit::Kind::none);
}

// Random records against an array; then what is gathered, applied in its order, gives the same array.
TEST(Overlay, GathersWhatIsRead) {
  std::mt19937_64 random(20260101);
  constexpr std::uint64_t blocks = 300;
  for (int round = 0; round < 200; ++round) {
    Overlay overlay(Epoch{1}, Lsn{0});
    VolumeLayers& v = overlay.of(VolumeId{1});
    std::vector<std::uint64_t> model(blocks, ~std::uint64_t{0});
    std::uint64_t lsn = 0, epoch = 1, place = 1'000'000;
    std::vector<std::vector<std::uint64_t>> at_epoch;
    std::uint64_t direct_blocks = 0;
    for (int i = 0; i < 40; ++i) {
      std::uint64_t begin = random() % blocks;
      std::uint64_t count = 1 + random() % std::min<std::uint64_t>(blocks - begin, 20);
      Kind kind = random() % 4 == 0 ? Kind::zero : random() % 4 == 0 ? Kind::direct : Kind::write;
      std::uint64_t tag = kind == Kind::direct ? place : (lsn + 1) * 1000;
      if (kind == Kind::direct) {
        place += count;
        direct_blocks += count;
      }
      overlay.add(v, record(kind, begin, count, Lsn{++lsn}, tag));
      for (std::uint64_t b = 0; b < count; ++b) model[begin + b] = kind == Kind::zero ? 0 : tag + b;
      if (random() % 15 == 0) {
        at_epoch.push_back(model);
        overlay.close_layer(Epoch{++epoch}, Lsn{lsn});
      }
    }
    at_epoch.push_back(model);
    for (std::size_t e = 0; e < at_epoch.size(); ++e)
      for (std::uint64_t b = 0; b < blocks; ++b) ASSERT_EQ(tag_of(v.find(Block{b}, Epoch{e + 1})), at_epoch[e][b]) << "round " << round << ", block " << b;

    auto frozen = overlay.freeze(Lsn{lsn});
    Gathered gathered = gather(frozen, {VolumeId{1}});
    EXPECT_EQ(gathered.reserved, overlay.reserved());
    std::vector<std::uint64_t> built(blocks, ~std::uint64_t{0});
    std::map<std::uint64_t, int> named;   // places that the store hears of
    std::uint64_t placed = 0;
    for (const auto& part : gathered.parts) {
      for (const auto& change : part.before) {
        for (std::uint64_t i = 0; i < change.zero_count; ++i) built[change.block.value + i] = 0;
        for (std::size_t i = 0; i < change.entries.size(); ++i) {
          built[change.block.value + i] = change.entries[i].place.value;
          ++named[change.entries[i].place.value];
        }
      }
      for (Block block : part.zeroes) built[block.value] = 0;
      std::uint64_t last = 0;
      for (const Cell& cell : part.cells) {
        EXPECT_GT(cell.key, last);
        last = cell.key;
        built[cell.block().value] = load_le<std::uint64_t>(cell.data);
        ++placed;
      }
    }
    EXPECT_EQ(built, model);
    EXPECT_EQ(placed, gathered.to_place);
    EXPECT_EQ(named.size(), direct_blocks) << "a place that nobody hears of is never freed";
    Gathered none = gather(frozen, {});
    EXPECT_EQ(none.to_place, 0u);
  }
}

}  // namespace
}  // namespace lockstep::pool::native
