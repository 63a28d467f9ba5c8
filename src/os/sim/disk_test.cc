#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::os::sim {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

std::string text_at(Host& host, const std::string& path) { return std::string(as_text(host.disk().bytes_of(path))); }

std::unique_ptr<BlockingFile> make_file(Host& host, const std::string& path, const std::string& text) {
  auto file = must(host.files().open_blocking(path, {.create = Create::if_missing}));
  must(file->write(0_B, as_span(text)));
  return file;
}

TEST(Disk, WhatWasSyncedSurvivesEveryPowerCut) {
  for (std::uint64_t salt = 0; salt < 50; ++salt) {
    World world{test_seed(salt)};
    Host& host = world.add_host("a");
    auto file = make_file(host, "/log", "promised");
    must(file->sync());
    must(host.files().sync_directory("/"));
    host.power_cut(Tear::any);
    host.restart();
    ASSERT_EQ(text_at(host, "/log"), "promised") << "seed " << world.seed();
  }
}

TEST(Disk, AWriteThatWasNotSyncedIsOldOrNewOrLost) {
  bool old_seen = false, new_seen = false;
  for (std::uint64_t salt = 0; salt < 50; ++salt) {
    World world{test_seed(salt)};
    Host& host = world.add_host("a");
    auto file = make_file(host, "/log", "old");
    must(file->sync());
    must(host.files().sync_directory("/"));
    must(file->write(0_B, as_span("new")));
    host.power_cut(Tear::sectors);
    host.restart();
    std::string left = text_at(host, "/log");
    ASSERT_THAT(left, AnyOf("old", "new"));
    old_seen |= left == "old";
    new_seen |= left == "new";
  }
  EXPECT_TRUE(old_seen && new_seen);
}

TEST(Disk, TearingLeavesSectorsWholeUnlessAskedOtherwise) {
  bool torn_between = false, torn_inside = false;
  for (std::uint64_t salt = 0; salt < 100; ++salt) {
    for (Tear tear : {Tear::sectors, Tear::mid_sector}) {
      World world{test_seed(salt)};
      Host& host = world.add_host("a");
      auto file = make_file(host, "/data", std::string(4096, 'o'));
      must(file->sync());
      must(host.files().sync_directory("/"));
      must(file->write(0_B, as_span(std::string(4096, 'n'))));
      host.power_cut(tear);
      std::string left = text_at(host, "/data");
      int old_sectors = 0, mixed = 0;
      for (int i = 0; i < 8; ++i) {
        std::string sector = left.substr(i * 512, 512);
        if (sector == std::string(512, 'o')) ++old_sectors;
        else if (sector != std::string(512, 'n')) ++mixed;
      }
      if (tear == Tear::sectors) {
        ASSERT_EQ(mixed, 0);
      }
      ASSERT_LE(mixed, 1);
      torn_between |= old_sectors > 0 && old_sectors < 8;
      torn_inside |= mixed > 0;
    }
  }
  EXPECT_TRUE(torn_between);
  EXPECT_TRUE(torn_inside);
}

TEST(Disk, KillingTheProcessLosesNothing) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto file = make_file(host, "/log", "not synced");
  host.kill();
  host.restart();
  EXPECT_EQ(text_at(host, "/log"), "not synced");
}

TEST(Disk, ACreationIsLostUnlessItsDirectoryWasSynced) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  must(make_file(host, "/x", "1")->sync());
  must(host.files().sync_directory("/"));
  must(make_file(host, "/y", "2")->sync());
  host.power_cut(Tear::lose_all);
  EXPECT_THAT(host.disk().all_files(), ElementsAre("/x"));
}

TEST(Disk, ARenameIsWhollyThereOrNotAndTheOldFileStaysUntilItIsDurable) {
  bool before_seen = false, after_seen = false;
  for (std::uint64_t salt = 0; salt < 40; ++salt) {
    World world{test_seed(salt)};
    Host& host = world.add_host("a");
    must(host.files().make_directories("/d/e"));
    must(make_file(host, "/d/f", "old")->sync());
    must(make_file(host, "/d/e/f.new", "new")->sync());
    for (const char* path : {"/", "/d", "/d/e"}) must(host.files().sync_directory(path));
    must(host.files().rename("/d/e/f.new", "/d/f"));
    host.power_cut(Tear::whole_writes);
    if (text_at(host, "/d/f") == "old") {
      before_seen = true;
      ASSERT_EQ(text_at(host, "/d/e/f.new"), "new");
    } else {
      after_seen = true;
      ASSERT_EQ(text_at(host, "/d/f"), "new");
      ASSERT_FALSE(host.disk().exists("/d/e/f.new"));
    }
    host.restart();
    if (host.disk().exists("/d/e/f.new")) must(host.files().rename("/d/e/f.new", "/d/f"));
    must(host.files().sync_directory("/d"));
    host.power_cut(Tear::lose_all);
    ASSERT_EQ(text_at(host, "/d/f"), "new");
    ASSERT_FALSE(host.disk().exists("/d/e/f.new"));
  }
  EXPECT_TRUE(before_seen && after_seen);
}

TEST(Disk, ADeadHostChangesNothing) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto file = make_file(host, "/f", "kept");
  must(file->sync());
  must(host.files().sync_directory("/"));
  host.power_cut(Tear::lose_all);
  std::uint64_t before = host.disk().fingerprint();
  EXPECT_EQ(file->write(0_B, as_span("gone")).error().code, Code::io);
  EXPECT_EQ(file->sync().error().code, Code::io);
  EXPECT_EQ(file->truncate(0_B).error().code, Code::io);
  EXPECT_EQ(host.files().remove("/f").error().code, Code::io);
  EXPECT_EQ(host.files().rename("/f", "/g").error().code, Code::io);
  EXPECT_EQ(host.files().open_blocking("/h", {.create = Create::if_missing}).error().code, Code::io);
  EXPECT_EQ(host.disk().fingerprint(), before);
  Files& of_the_dead = host.files();
  host.restart();
  EXPECT_EQ(of_the_dead.remove("/f").error().code, Code::io);
  EXPECT_EQ(file->write(0_B, as_span("gone")).error().code, Code::io);
  EXPECT_EQ(host.disk().fingerprint(), before);
  must(host.files().remove("/f"));
}

TEST(Disk, DyingBeforeAnOperationLetsTheOnesBeforeHappenAndNoneAfter) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto file = make_file(host, "/f", "12345");
  host.disk().die_before(host.disk().operations() + 3);
  must(file->write(0_B, as_span("a")));
  must(file->write(1_B, as_span("b")));
  EXPECT_FALSE(file->write(2_B, as_span("c")));
  EXPECT_FALSE(host.alive());
  EXPECT_FALSE(file->write(3_B, as_span("d")));
  host.restart();
  EXPECT_EQ(text_at(host, "/f"), "ab345");
}

TEST(Disk, DyingInsideAWriteLeavesItsFirstPagesPerhaps) {
  bool none = false, some = false;
  for (std::uint64_t salt = 0; salt < 20; ++salt) {
    World world{test_seed(salt)};
    Host& host = world.add_host("a");
    auto file = make_file(host, "/f", std::string(16384, 'o'));
    host.disk().die_during(host.disk().operations() + 1);
    EXPECT_FALSE(file->write(0_B, as_span(std::string(16384, 'n'))));
    host.restart();
    std::string left = text_at(host, "/f");
    std::size_t written = std::min(left.find('o'), left.size());
    ASSERT_EQ(written % 4096, 0u);
    ASSERT_EQ(left, std::string(written, 'n') + std::string(left.size() - written, 'o'));
    (written == 0 ? none : some) = true;
  }
  EXPECT_TRUE(none && some);
}

TEST(Disk, AFailedSyncMayHaveLostWhatItCoveredEvenIfTheNextOneSucceeds) {
  bool lost = false, kept = false;
  for (std::uint64_t salt = 0; salt < 40; ++salt) {
    World world{test_seed(salt)};
    Host& host = world.add_host("a");
    auto file = make_file(host, "/f", "old");
    must(file->sync());
    must(host.files().sync_directory("/"));
    must(file->write(0_B, as_span("new")));
    host.disk().fail_syncs("/f", 1);
    EXPECT_EQ(file->sync().error().code, Code::io);
    must(file->sync());
    EXPECT_EQ(text_at(host, "/f"), "new");
    host.power_cut(Tear::any);
    (text_at(host, "/f") == "new" ? kept : lost) = true;
  }
  EXPECT_TRUE(lost && kept);
}

TEST(Disk, EveryOpenFileIsToldOfAFailedSyncOnce) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto one = make_file(host, "/f", "old");
  auto two = must(host.files().open_blocking("/f", OpenOptions{}));
  must(one->sync());
  host.disk().fail_syncs("/f", 1);
  EXPECT_EQ(one->sync().error().code, Code::io);
  must(one->sync());
  EXPECT_EQ(two->sync().error().code, Code::io);
  must(two->sync());
}

TEST(Disk, AFullDiskSaysSoAndRemovingMakesRoom) {
  WorldOptions options;
  options.disk.capacity = 64_KiB;
  World world{test_seed(), options};
  Host& host = world.add_host("a");
  auto file = make_file(host, "/big", std::string(60 << 10, 'x'));
  auto other = must(host.files().open_blocking("/other", {.create = Create::must_be_new}));
  EXPECT_EQ(other->write(0_B, as_span(std::string(8192, 'y'))).error().code, Code::no_space);
  EXPECT_EQ(other->allocate(0_B, 8_KiB).error().code, Code::no_space);
  must(file->write(0_B, as_span("in place")));
  must(host.files().remove("/big"));
  EXPECT_FALSE(other->write(0_B, as_span(std::string(8192, 'y'))));
  file.reset();
  must(other->write(0_B, as_span(std::string(8192, 'y'))));
  EXPECT_EQ(must(host.files().free_space("/")), 56_KiB);
}

TEST(Disk, BadSectorsAndFlippedBitsAreMetWhereTheyWerePut) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto file = make_file(host, "/f", std::string(2048, 'a'));
  std::byte bytes[512];
  host.disk().fail_reads("/f", 512_B, 512_B);
  EXPECT_EQ(must(file->read(0_B, bytes)), 512u);
  EXPECT_EQ(file->read(600_B, bytes).error().code, Code::io);
  must(file->write(512_B, as_span(std::string(512, 'b'))));
  EXPECT_EQ(must(file->read(512_B, bytes)), 512u);
  host.disk().corrupt("/f", 5_B, std::byte{2});
  EXPECT_EQ(text_at(host, "/f").substr(0, 8), "aaaaacaa");
  must(file->sync());
  must(host.files().sync_directory("/"));
  host.power_cut(Tear::lose_all);
  EXPECT_EQ(text_at(host, "/f").substr(0, 8), "aaaaacaa");
}

TEST(Disk, ALockIsHeldByOneAndEndsWithItsHolderOrItsHost) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto lock = must(host.files().lock("/lock"));
  EXPECT_EQ(host.files().lock("/lock").error().code, Code::busy);
  lock.reset();
  lock = must(host.files().lock("/lock"));
  host.kill();
  host.restart();
  auto again = must(host.files().lock("/lock"));
  lock.reset();   // of the dead life: takes nothing from the living
  EXPECT_EQ(host.files().lock("/lock").error().code, Code::busy);
}

TEST(Disk, HolesAndPunchedRangesReadAsZeroes) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto run = [](Host* h) -> rt::Task<std::string> {
    auto opened = co_await h->files().open(h->loop(), "/f", OpenOptions{.create = Create::if_missing});
    std::unique_ptr<File> file = must(std::move(opened));
    std::string text(8192, 'x');
    std::vector<Span> parts{as_span(text).first(5000), as_span(text).subspan(5000)};
    must(co_await file->write(4_KiB, parts));
    must(co_await file->punch(6_KiB, 4_KiB));
    must(co_await file->allocate(12_KiB, 4_KiB));
    std::string out(16384, '?');
    MutSpan into(reinterpret_cast<std::byte*>(out.data()), out.size());
    must(co_await file->read(0_B, into));
    auto past = co_await file->read(16_KiB, into.first(1));
    CHECK(past.error().code == Code::out_of_range);
    co_return out;
  };
  std::string want = std::string(4096, '\0') + std::string(2048, 'x') + std::string(4096, '\0') + std::string(2048, 'x') +
                     std::string(4096, '\0');
  EXPECT_EQ(world.run(host.loop(), run(&host)), want);
}

}  // namespace
}  // namespace lockstep::os::sim
