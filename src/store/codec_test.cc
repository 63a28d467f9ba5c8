// What is written into rows reads back, and nothing else is taken for it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "store/chunk.h"
#include "store/leaf.h"
#include "store/space_log.h"
#include "store/varint.h"

namespace lockstep::store {
namespace {

Slot random_slot() {
  auto kind = *rc::gen::inRange<int>(0, 5);
  Entry entry;
  entry.kind = static_cast<EntryKind>(kind);
  entry.place = Place{*rc::gen::inRange<std::uint64_t>(1, 5000)};
  entry.checksum = Checksum{*rc::gen::arbitrary<std::uint64_t>()};
  return slot_of(entry);
}

TEST(Slot, AnEntryComesBackAsFarAsItsKindHasMeaning) {
  Entry bad{EntryKind::bad, Place{7}, Checksum{9}};
  EXPECT_EQ(entry_of(slot_of(bad)), bad);
  Entry zero{EntryKind::zero, Place{7}, Checksum{9}};
  EXPECT_EQ(entry_of(slot_of(zero)), (Entry{EntryKind::zero, Place{0}, Checksum{0}}));
  Entry remote{EntryKind::remote, Place{7}, Checksum{9}};
  EXPECT_EQ(entry_of(slot_of(remote)), (Entry{EntryKind::remote, Place{0}, Checksum{9}}));
  EXPECT_EQ(slot_of({}), Slot{});
}

RC_GTEST_PROP(Leaf, AnyLeafReadsBackAsItWasWritten, ()) {
  LeafContent content;
  for (std::size_t at = 0; at < leaf_blocks;) {
    Slot slot = random_slot();
    auto run = *rc::gen::inRange<std::size_t>(1, 40);
    for (std::size_t i = 0; i < run && at < leaf_blocks; ++i, ++at) {
      content[at] = slot;
      if (slot.place().value != 0) slot.what += 1;
      if (!slot.is_hole()) slot.sum += 1;
    }
  }
  Buffer bytes = encode_leaf(content);
  auto back = decode_leaf(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == content);
  for (std::size_t n = 0; n < bytes.size(); ++n) RC_ASSERT(!decode_leaf(Span(bytes).first(n)));
}

TEST(Leaf, ALeafWrittenInOrderIsAKilobyteAndALeafOfHolesAHandful) {
  LeafContent content;
  EXPECT_LE(encode_leaf(content).size(), 4u);
  for (std::size_t i = 0; i < leaf_blocks; ++i) content[i] = slot_of({EntryKind::placed, Place{1'000'000 + i}, Checksum{~0ull - i}});
  EXPECT_LE(encode_leaf(content).size(), 1024u + 10);
}

TEST(Leaf, TheExampleOfTheFormatsPageIsWhatIsWritten) {
  LeafContent content;
  for (std::size_t i = 0; i < 3; ++i) content[i] = slot_of({EntryKind::placed, Place{100 + i}, Checksum{7 + i}});
  EXPECT_EQ(hex_of(encode_leaf(content)), "0112c801" "0700000000000000" "0800000000000000" "0900000000000000" "e007");
}

RC_GTEST_PROP(Chunk, AnyChunkReadsBackAsItWasWritten, ()) {
  Chunk chunk;
  chunk.carried = *rc::gen::arbitrary<bool>();
  chunk.folded = *rc::gen::container<std::vector<LeafId>>(rc::gen::exec([] {
    return LeafId{VolumeId{*rc::gen::arbitrary<std::uint32_t>()}, *rc::gen::inRange<std::uint64_t>(0, 1ull << 45)};
  }));
  auto zeroes = rc::gen::container<std::vector<Chunk::Zero>>(rc::gen::exec([] {
    auto first = *rc::gen::inRange<std::uint64_t>(0, 1ull << 40);
    return Chunk::Zero{VolumeId{*rc::gen::arbitrary<std::uint8_t>()}, Epoch{*rc::gen::arbitrary<std::uint8_t>()}, first,
                       first + *rc::gen::inRange<std::uint64_t>(1, 1ull << 40)};
  }));
  chunk.zeroes = *zeroes;
  chunk.cut = *zeroes;
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, Slot> items;
  for (int i = *rc::gen::inRange(0, 60); i > 0; --i)
    items[{*rc::gen::inRange<std::uint64_t>(1, 4), *rc::gen::inRange<std::uint64_t>(1, 4), *rc::gen::inRange<std::uint64_t>(0, 500)}] = random_slot();
  for (const auto& [key, slot] : items)
    chunk.items.push_back({VolumeId{std::get<0>(key)}, Epoch{std::get<1>(key)}, Block{std::get<2>(key)}, slot});
  Buffer bytes = encode_chunk(chunk);
  auto back = decode_chunk(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == chunk);
  for (std::size_t n = 0; n < bytes.size(); ++n) RC_ASSERT(!decode_chunk(Span(bytes).first(n)));
}

RC_GTEST_PROP(SpaceLog, AnyRowReadsBackAsItWasWritten, ()) {
  auto runs = rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(1, 500)), [](std::vector<std::uint32_t> places) {
    std::vector<Place> out;
    for (std::uint32_t place : places) out.push_back(Place{place});
    return runs_of(std::move(out));
  });
  SpaceRow row{Lsn{*rc::gen::arbitrary<std::uint64_t>()}, *runs, *runs};
  Buffer bytes = encode_space(row);
  auto back = decode_space(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == row);
  for (std::size_t n = 0; n < bytes.size(); ++n) RC_ASSERT(!decode_space(Span(bytes).first(n)));
}

TEST(Varint, ALongFormOfAShortNumberIsRefused) {
  Buffer bytes{std::byte{0x80}, std::byte{0x00}};
  Reader r(bytes);
  std::uint64_t v = 0;
  EXPECT_FALSE(get_varint(r, v));
}

MapChange entries(std::uint64_t block, std::vector<std::uint64_t> places) {
  MapChange out;
  out.volume = VolumeId{1};
  out.epoch = Epoch{1};
  out.block = Block{block};
  for (std::uint64_t place : places) out.entries.push_back({EntryKind::placed, Place{place}, Checksum{place}});
  return out;
}
MapChange zeroes(std::uint64_t block, std::uint64_t count) {
  MapChange out;
  out.volume = VolumeId{1};
  out.epoch = Epoch{1};
  out.block = Block{block};
  out.zero_count = count;
  return out;
}

TEST(Normalise, OfTwoWritesOfABlockTheLaterCountsAndTheFirstPlaceIsDropped) {
  auto out = normalise({entries(5, {10}), entries(5, {11})});
  ASSERT_EQ(out->chunk.items.size(), 1u);
  EXPECT_EQ(out->chunk.items[0].slot.place(), Place{11});
  EXPECT_EQ(out->dropped, std::vector<Place>{Place{10}});
}

TEST(Normalise, APlaceNamedTwiceForOneBlockIsNotDropped) {
  auto out = normalise({entries(5, {10}), entries(5, {10})});
  EXPECT_TRUE(out->dropped.empty());
}

TEST(Normalise, ALaterZeroRunHidesEarlierWritesAndNotLaterOnes) {
  auto out = normalise({entries(200, {10}), zeroes(100, 400), entries(300, {12})});
  ASSERT_EQ(out->chunk.zeroes.size(), 1u);
  EXPECT_EQ(out->chunk.zeroes[0], (Chunk::Zero{VolumeId{1}, Epoch{1}, 1, 3}));   // blocks 128 to 384; the rest are items
  EXPECT_EQ(out->dropped, std::vector<Place>{Place{10}});
  std::size_t placed = 0;
  for (const auto& item : out->chunk.items) placed += item.slot.kind() == EntryKind::placed ? 1 : 0;
  EXPECT_EQ(placed, 1u);
  EXPECT_EQ(out->chunk.items.size(), 28u + 116u + 1u);
}

TEST(Normalise, AZeroRunOfATebibyteIsOneInterval) {
  auto out = normalise({zeroes(0, 1ull << 28)});
  EXPECT_EQ(out->chunk.zeroes.size(), 1u);
  EXPECT_TRUE(out->chunk.items.empty());
}

TEST(Normalise, ARunPastTheEndOfAnyVolumeIsRefused) {
  EXPECT_EQ(normalise({zeroes(5, ~0ull)}).error().code, Code::invalid);
}

}  // namespace
}  // namespace lockstep::store
