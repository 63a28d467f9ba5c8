// The algebra of one leaf's versions, and who can look at what.
#include "store/versions.h"

#include <gtest/gtest.h>

#include "store/lineage.h"

namespace lockstep::store {
namespace {

Slot at(std::uint64_t place) { return slot_of({EntryKind::placed, Place{place}, Checksum{place}}); }

Version version(std::uint64_t epoch, std::vector<std::uint64_t> places) {
  Version out{Epoch{epoch}, {}};
  for (std::size_t i = 0; i < places.size(); ++i)
    if (places[i] != 0) out.content[i] = at(places[i]);
  return out;
}
DeltaGroup group(std::uint64_t epoch, std::vector<std::pair<std::uint8_t, std::uint64_t>> items, bool zero = false) {
  DeltaGroup out{Epoch{epoch}, zero, {}};
  for (auto [index, place] : items) out.items.emplace_back(index, place == 0 ? zero_slot : at(place));
  return out;
}
IsVisible pins(std::vector<std::uint64_t> epochs, bool head = true) {
  return [=](Epoch from, Epoch before) {
    if (before == Lineage::forever && head) return true;
    for (std::uint64_t e : epochs)
      if (from.value <= e && e < before.value) return true;
    return false;
  };
}
std::string text(const VersionChange& change) {
  std::string out;
  for (const auto& v : change.put) {
    out += "put " + std::to_string(v.epoch.value) + "[";
    for (const Slot& slot : v.content) {
      if (slot.place().value != 0) out += std::to_string(slot.place().value) + " ";
      else if (!slot.is_absent()) out += "z ";
    }
    if (out.back() == ' ') out.pop_back();
    out += "] ";
  }
  for (Epoch e : change.removed) out += "removed " + std::to_string(e.value) + " ";
  for (Place p : change.used) out += "+" + std::to_string(p.value) + " ";
  for (Place p : change.freed) out += "-" + std::to_string(p.value) + " ";
  for (Epoch e : change.listed) out += "listed " + std::to_string(e.value) + " ";
  if (!out.empty()) out.pop_back();
  return out;
}

TEST(Fold, AFirstWriteMakesAVersion) { EXPECT_EQ(text(fold({}, {group(1, {{0, 5}})}, pins({}), false)), "put 1[5] +5"); }

TEST(Fold, AnOverwriteInTheSameEpochFreesWhatWasThere) {
  EXPECT_EQ(text(fold({version(1, {5, 6})}, {group(1, {{0, 7}})}, pins({}), false)), "put 1[7 6] +7 -5");
}

TEST(Fold, AnOverwriteAfterASnapshotKeepsTheOldVersion) {
  EXPECT_EQ(text(fold({version(1, {5, 6})}, {group(2, {{0, 7}})}, pins({1}), false)), "put 2[7 6] +7 listed 2");
}

TEST(Fold, AnOverwriteAfterASnapshotOfOthersTakesThePlaceOfTheOldVersion) {
  EXPECT_EQ(text(fold({version(1, {5, 6})}, {group(2, {{0, 7}})}, pins({}), false)), "put 2[7 6] removed 1 +7 -5");
}

TEST(Fold, APlaceThatTheVersionBeforeNamesIsNotFreed) {
  EXPECT_EQ(text(fold({version(1, {5}), version(2, {5, 6})}, {group(2, {{0, 7}})}, pins({1}), false)), "put 2[7 6] +7");
}

TEST(Fold, TheSamePlaceTwiceIsNotFreed) {
  EXPECT_EQ(text(fold({version(1, {5})}, {group(1, {{0, 5}})}, pins({}), false)), "put 1[5]");
}

TEST(Fold, EpochsBetweenWhichNobodyLooksComeToOneVersion) {
  EXPECT_EQ(text(fold({}, {group(1, {{0, 5}}), group(3, {{0, 6}})}, pins({}), false)), "put 3[6] +6 -5");
  EXPECT_EQ(text(fold({}, {group(1, {{0, 5}}), group(3, {{0, 6}})}, pins({2}), false)), "put 1[5] put 3[6] +5 +6 listed 3");
}

TEST(Fold, ALeafOfHolesOverNothingHasNoRow) {
  EXPECT_EQ(text(fold({version(1, {5, 6})}, {group(1, {}, true)}, pins({}), false)), "removed 1 -5 -6");
  EXPECT_EQ(text(fold({version(1, {5})}, {group(1, {{0, 0}})}, pins({}), true)).substr(0, 10), "put 1[z] -");
}

TEST(Fold, AVolumeWithoutAHeadKeepsOnlyWhatItsSnapshotsSee) {
  EXPECT_EQ(text(fold({version(1, {5})}, {group(2, {{0, 6}})}, pins({1}, false), false)), "-6 listed 2");
}

TEST(Sweep, AVersionOnlyTheLostEpochCouldSeeGoesAndWhatItAloneNamedIsFreed) {
  std::vector<Version> all{version(1, {5, 6, 9}), version(3, {7, 6, 9}), version(5, {8, 6, 9})};
  EXPECT_EQ(text(sweep(all, pins({1, 4}))), "");
  EXPECT_EQ(text(sweep(all, pins({4}))), "removed 1 -5");
  EXPECT_EQ(text(sweep(all, pins({1}))), "removed 3 -7");
  EXPECT_EQ(text(sweep(all, pins({}, false))), "removed 1 removed 3 removed 5 -5 -6 -7 -8 -9");
}

VolumeRow volume(std::uint64_t id, std::uint64_t origin = 0, std::uint64_t epoch = 0) {
  VolumeRow row;
  row.id = VolumeId{id};
  row.origin = VolumeId{origin};
  row.origin_epoch = Epoch{epoch};
  return row;
}
SnapshotRow snapshot(std::uint8_t id, std::vector<VolumeId> volumes, std::uint64_t epoch) {
  SnapshotRow row;
  row.id.bytes[0] = std::byte{id};
  row.volumes = std::move(volumes);
  row.epoch = Epoch{epoch};
  return row;
}

TEST(Lineage, AnEpochIsLostWithTheLastRowThatPinsIt) {
  Lineage lineage;
  std::vector<Lineage::Lost> lost;
  lineage.apply(volume(1), lost);
  lineage.apply(snapshot(1, {VolumeId{1}}, 4), lost);
  lineage.apply(volume(2, 1, 4), lost);
  lineage.apply(Removed<SnapshotId>{snapshot(1, {}, 0).id}, lost);
  EXPECT_TRUE(lost.empty());
  EXPECT_TRUE(lineage.is_visible(VolumeId{1}, Epoch{3}, Epoch{5}));
  lineage.apply(Removed<VolumeId>{VolumeId{2}}, lost);
  ASSERT_EQ(lost.size(), 2u);
  EXPECT_EQ(lost[0], (Lineage::Lost{VolumeId{2}, Lineage::forever}));
  EXPECT_EQ(lost[1], (Lineage::Lost{VolumeId{1}, Epoch{4}}));
  EXPECT_FALSE(lineage.is_visible(VolumeId{1}, Epoch{3}, Epoch{5}));
}

TEST(Lineage, ARowWrittenAgainLosesNothing) {
  Lineage lineage;
  std::vector<Lineage::Lost> lost;
  for (int i = 0; i < 2; ++i) {
    lineage.apply(volume(1), lost);
    lineage.apply(snapshot(1, {VolumeId{1}}, 4), lost);
    lineage.apply(volume(2, 1, 4), lost);
  }
  EXPECT_TRUE(lost.empty());
}

TEST(Lineage, HidingAVolumeLosesItsHead) {
  Lineage lineage;
  std::vector<Lineage::Lost> lost;
  lineage.apply(volume(1), lost);
  VolumeRow hidden = volume(1);
  hidden.hidden = true;
  lineage.apply(hidden, lost);
  EXPECT_EQ(lost, (std::vector<Lineage::Lost>{{VolumeId{1}, Lineage::forever}}));
  EXPECT_FALSE(lineage.is_held(VolumeId{1}));
}

TEST(Lineage, AChainFollowsOriginsToTheirEnd) {
  Lineage lineage;
  std::vector<Lineage::Lost> lost;
  lineage.apply(volume(1), lost);
  lineage.apply(volume(2, 1, 4), lost);
  lineage.apply(volume(3, 2, 6), lost);
  auto chain = lineage.chain({VolumeId{3}, Epoch{9}});
  ASSERT_TRUE(chain);
  EXPECT_EQ(*chain, (Lineage::Chain{{VolumeId{3}, Epoch{9}}, {VolumeId{2}, Epoch{6}}, {VolumeId{1}, Epoch{4}}}));
}

TEST(Lineage, OriginsThatGoInACircleAreAnError) {
  Lineage lineage;
  std::vector<Lineage::Lost> lost;
  lineage.apply(volume(1, 2, 1), lost);
  lineage.apply(volume(2, 1, 1), lost);
  EXPECT_EQ(lineage.chain({VolumeId{1}, Epoch{3}}).error().code, Code::corrupt);
}

TEST(Lineage, ClonesOfClonesDependOnWhatTheirOriginsShow) {
  Lineage lineage;
  std::vector<Lineage::Lost> lost;
  lineage.apply(volume(1), lost);
  lineage.apply(volume(2, 1, 4), lost);
  lineage.apply(volume(3, 2, 6), lost);
  auto views = lineage.dependents(VolumeId{1}, Epoch{4});
  EXPECT_EQ(views.size(), 4u);   // (1,4), head of 2, (2,6), head of 3
  EXPECT_TRUE(lineage.dependents(VolumeId{1}, Epoch{5}).empty());
}

}  // namespace
}  // namespace lockstep::store
