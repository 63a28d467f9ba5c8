#include "store/catalog.h"

#include <gtest/gtest.h>

namespace lockstep::store {
namespace {

template <class Id>
Id id_of(int n) {
  Id id;
  id.bytes[15] = static_cast<std::byte>(n);
  return id;
}

std::vector<CatalogChange> one_of_each() {
  VolumeRow volume;
  volume.id = VolumeId{7};
  volume.uuid = id_of<VolumeUuid>(1);
  volume.name = "db/wal";
  volume.size = 1_GiB;
  volume.origin = VolumeId{3};
  volume.origin_epoch = Epoch{9};
  volume.born = Epoch{10};
  volume.read_only = true;
  volume.created = WallTime{-5};
  GroupRow group;
  group.id = id_of<GroupId>(2);
  group.name = "db";
  group.members = {VolumeId{7}, VolumeId{8}};
  group.role = Role::target_writable;
  group.history = {{id_of<Generation>(3), {}}, {id_of<Generation>(4), {id_of<Generation>(3), Lsn{77}}}};
  group.position = {id_of<Generation>(3), Lsn{99}};
  group.was_synchronized = true;
  group.following = id_of<RelationshipId>(5);
  group.resync = ResyncBracket{id_of<RelationshipId>(5), id_of<SnapshotId>(6), 2, {id_of<Generation>(4), Lsn{12}}};
  SnapshotRow snapshot;
  snapshot.id = id_of<SnapshotId>(6);
  snapshot.name = "before the upgrade";
  snapshot.group = group.id;
  snapshot.volumes = group.members;
  snapshot.epoch = Epoch{12};
  snapshot.lsn = Lsn{1234};
  snapshot.internal = true;
  snapshot.purpose = "stand-in";
  snapshot.as_of = WallTime{1'700'000'000'000'000};
  FollowerRow follower;
  follower.id = id_of<RelationshipId>(9);
  follower.group = group.id;
  follower.durable = Lsn{55};
  follower.mapped = true;
  follower.mapped_upto = Lsn{60};
  follower.journal_budget = 5_GiB;
  follower.since = Origin{Generation{{std::byte{3}}}, Lsn{41}};
  FollowerRow window;
  window.id = id_of<RelationshipId>(14);
  window.group = group.id;
  window.durable = Lsn{70};
  window.window = std::chrono::hours(2);
  return {volume, group, snapshot, follower, window,
          Removed<VolumeId>{VolumeId{4}}, Removed<GroupId>{id_of<GroupId>(11)},
          Removed<SnapshotId>{id_of<SnapshotId>(12)}, Removed<RelationshipId>{id_of<RelationshipId>(13)}};
}

TEST(Catalog, EveryKindOfChangeReadsBackAsItWasWritten) {
  Buffer bytes = encode(one_of_each());
  auto changes = decode(bytes);
  ASSERT_TRUE(changes) << changes.error().message;
  ASSERT_EQ(changes->size(), 9u);
  EXPECT_EQ(encode(*changes), bytes);
  const auto& group = std::get<GroupRow>((*changes)[1]);
  EXPECT_EQ(group.history[1].parent.lsn, Lsn{77});
  EXPECT_EQ(group.resync->pass, 2u);
  EXPECT_EQ(std::get<VolumeRow>((*changes)[0]).created.us, -5);
  EXPECT_EQ(std::get<SnapshotRow>((*changes)[2]).as_of.us, 1'700'000'000'000'000);
  EXPECT_EQ(std::get<FollowerRow>((*changes)[3]).window, Duration{0});
  EXPECT_EQ(std::get<FollowerRow>((*changes)[4]).window, std::chrono::hours(2));
}

TEST(Catalog, AWindowOfNoLengthAndOneWithAMapAreRefused) {
  FollowerRow row;
  row.id = id_of<RelationshipId>(14);
  row.window = Duration{1};   // less than a microsecond
  std::vector<CatalogChange> one{row};
  EXPECT_EQ(decode(encode(one)).error().code, Code::corrupt);
  row.window = std::chrono::hours(1);
  row.mapped = true;
  one = {row};
  EXPECT_EQ(decode(encode(one)).error().code, Code::corrupt);
}

TEST(Catalog, EveryShortenedOrLengthenedChangeIsRefused) {
  Buffer bytes = encode(one_of_each());
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode(Span(bytes).first(n))) << n;
  bytes.push_back({});
  EXPECT_EQ(decode(bytes).error().code, Code::corrupt);
}

TEST(Catalog, TheExampleOfTheFormatsPageIsWhatIsWritten) {
  std::vector<CatalogChange> one{Removed<VolumeId>{VolumeId{4}}};
  EXPECT_EQ(hex_of(encode(one)), "0101000000" "0508000000" "0400000000000000");
}

TEST(Catalog, AnUnknownFormatKindOrFlagIsRefused) {
  std::vector<CatalogChange> one{Removed<VolumeId>{VolumeId{4}}};
  Buffer bytes = encode(one);
  Buffer newer = bytes;
  newer[0] = std::byte{2};
  EXPECT_EQ(decode(newer).error().code, Code::corrupt);
  Buffer kind = bytes;
  kind[5] = std::byte{99};
  EXPECT_EQ(decode(kind).error().code, Code::corrupt);
}

TEST(Catalog, ApplyingAChangeTwiceIsHarmless) {
  Catalog once, twice;
  for (const auto& change : one_of_each()) {
    once.apply(change);
    twice.apply(change);
    twice.apply(change);
  }
  EXPECT_EQ(once.volumes.size(), twice.volumes.size());
  EXPECT_EQ(once.epoch, twice.epoch);
  EXPECT_EQ(once.next_volume, VolumeId{8});
}

TEST(Catalog, ASnapshotEndsItsEpochAndVolumeIdsAreNeverGivenAgain) {
  Catalog catalog;
  SnapshotRow snapshot;
  snapshot.epoch = Epoch{5};
  catalog.apply(snapshot);
  EXPECT_EQ(catalog.epoch, Epoch{6});
  VolumeRow volume;
  volume.id = VolumeId{9};
  catalog.apply(volume);
  catalog.apply(Removed<VolumeId>{VolumeId{9}});
  catalog.apply(Removed<SnapshotId>{snapshot.id});
  EXPECT_EQ(catalog.next_volume, VolumeId{10});
  EXPECT_EQ(catalog.epoch, Epoch{6});
}

}  // namespace
}  // namespace lockstep::store
