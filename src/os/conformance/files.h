// What every file keeps: bytes come back, holes read as zeroes, errors have the right code.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "os/conformance/ends.h"
#include "os/conformance/world.h"

namespace lockstep::os::conformance {

inline OpenOptions making_new() {
  OpenOptions options;
  options.create = Create::must_be_new;
  return options;
}
inline OpenOptions making_direct() {
  OpenOptions options = making_new();
  options.direct = true;
  return options;
}

// Memory that direct files accept.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t size)
      : data_(static_cast<std::byte*>(std::aligned_alloc(block_size, size)), &std::free), size_(size) {
    std::fill_n(data_.get(), size, std::byte{0});
  }
  [[nodiscard]] MutSpan span() { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte, void (*)(void*)> data_;
  std::size_t size_;
};

OS_TEST(Files, WhatWasWrittenReadsBack) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  EXPECT_EQ(file->size(), 0_B);
  EXPECT_EQ(file->path(), world.path("f"));
  Buffer bytes = pattern(100'000);
  OS_MUST_VOID(co_await file->write(0_B, parts_of(bytes, 7777)));
  EXPECT_EQ(file->size(), Bytes{bytes.size()});
  Buffer back(bytes.size());
  OS_MUST_VOID(co_await file->read(0_B, back));
  EXPECT_TRUE(back == bytes);
  Buffer middle(1234);
  OS_MUST_VOID(co_await file->read(500_B, middle));
  EXPECT_TRUE(std::equal(middle.begin(), middle.end(), bytes.begin() + 500));
  OS_MUST_VOID(co_await file->sync());
}

OS_TEST(Files, WriteNowReadsBackAtOnce) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  Buffer bytes = pattern(3 * 4096);
  std::vector<Span> parts = parts_of(bytes, 4096);
  OS_MUST_VOID(file->write_now(4096_B, parts));
  EXPECT_EQ(file->size(), Bytes{4 * 4096});
  file->start_writeback(4096_B, Bytes{bytes.size()});
  Buffer back(bytes.size());
  OS_MUST_VOID(co_await file->read(4096_B, back));
  EXPECT_TRUE(back == bytes);
  OS_MUST_VOID(co_await file->sync());
  Buffer hole(4096, std::byte{9});
  OS_MUST_VOID(co_await file->read(0_B, hole));
  EXPECT_TRUE(is_zero(hole));
}

OS_TEST(Files, WritesInManySmallPartsKeepTheirOrder) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  Buffer bytes = pattern(5000);
  std::vector<Span> parts = parts_of(bytes, 1);  // more parts than one system call takes
  OS_MUST_VOID(file->write_now(0_B, parts));
  OS_MUST_VOID(co_await file->write(5000_B, parts));
  Buffer back(5000);
  OS_MUST_VOID(co_await file->read(0_B, back));
  EXPECT_TRUE(back == bytes);
  OS_MUST_VOID(co_await file->read(5000_B, back));
  EXPECT_TRUE(back == bytes);
}

OS_TEST(Files, NothingToWriteIsWritten) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  std::vector<Span> none;
  OS_MUST_VOID(file->write_now(10_B, none));
  OS_MUST_VOID(co_await file->write(10_B, none));
  OS_MUST_VOID(co_await file->read(0_B, MutSpan{}));
  EXPECT_EQ(file->size(), 0_B);
}

OS_TEST(Files, ReadingPastTheEndIsOutOfRange) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  Buffer bytes = pattern(1000);
  OS_MUST_VOID(co_await file->write(0_B, parts_of(bytes, 1000)));
  Buffer back(1000);
  auto half_past = co_await file->read(500_B, back);
  EXPECT_EQ(half_past.error().code, Code::out_of_range);
  auto all_past = co_await file->read(2000_B, back);
  EXPECT_EQ(all_past.error().code, Code::out_of_range);
  EXPECT_NE(all_past.error().message.find(world.path("f")), std::string::npos) << all_past.error().message;
}

OS_TEST(Files, TryReadAnswersAtOnceOrNotAtAll) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  Buffer bytes = pattern(8192);
  OS_MUST_VOID(co_await file->write(0_B, parts_of(bytes, 8192)));
  Buffer back(4096);
  OS_MUST(bool there, file->try_read(4096_B, back));  // false is an answer too
  if (there) {
    EXPECT_TRUE(std::equal(back.begin(), back.end(), bytes.begin() + 4096));
  }
  OS_MUST_VOID(co_await file->read(4096_B, back));
  EXPECT_TRUE(std::equal(back.begin(), back.end(), bytes.begin() + 4096));
}

OS_TEST(Files, DirectFilesReadBackWholeBlocks) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("d"), making_direct()));
  AlignedBuffer out(64 * 1024), in(64 * 1024);
  Buffer bytes = pattern(64 * 1024);
  std::copy(bytes.begin(), bytes.end(), out.span().begin());
  std::vector<Span> parts = parts_of(out.span(), 16384);
  OS_MUST_VOID(co_await file->write(8192_B, parts));
  OS_MUST_VOID(co_await file->sync());
  OS_MUST_VOID(co_await file->read(8192_B, in.span()));
  EXPECT_TRUE(std::equal(in.span().begin(), in.span().end(), bytes.begin()));
  auto past = co_await file->read(64_KiB, in.span());
  EXPECT_EQ(past.error().code, Code::out_of_range);
}

OS_TEST(Files, DirectAndBufferedFacesSeeOneFile) {
  OS_MUST(auto direct, co_await world.host().files().open(world.loop(), world.path("d"), making_direct()));
  OS_MUST(auto buffered, co_await world.host().files().open(world.loop(), world.path("d"), OpenOptions{}));
  AlignedBuffer out(4096);
  std::fill(out.span().begin(), out.span().end(), std::byte{0x5a});
  std::vector<Span> parts{out.span()};
  OS_MUST_VOID(co_await direct->write(0_B, parts));
  Buffer back(4096);
  OS_MUST_VOID(co_await buffered->read(0_B, back));
  EXPECT_TRUE(std::equal(back.begin(), back.end(), out.span().begin()));
}

OS_TEST(Files, AllocatedSpaceReadsAsZeroes) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  Buffer bytes = pattern(4096);
  OS_MUST_VOID(co_await file->write(0_B, parts_of(bytes, 4096)));
  OS_MUST_VOID(co_await file->allocate(0_B, 64_KiB));
  EXPECT_EQ(file->size(), 64_KiB);
  Buffer back(64 * 1024);
  OS_MUST_VOID(co_await file->read(0_B, back));
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), back.begin()));
  EXPECT_TRUE(is_zero(Span(back).subspan(4096)));
  OS_MUST_VOID(co_await file->allocate(0_B, 4096_B));  // never shrinks
  EXPECT_EQ(file->size(), 64_KiB);
}

OS_TEST(Files, APunchedRangeReadsAsZeroesAndTheSizeStays) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  Buffer bytes = pattern(10 * 4096);
  OS_MUST_VOID(co_await file->write(0_B, parts_of(bytes, bytes.size())));
  OS_MUST_VOID(co_await file->punch(Bytes{2 * 4096}, Bytes{3 * 4096}));
  OS_MUST_VOID(co_await file->punch(Bytes{9 * 4096}, Bytes{5 * 4096}));
  EXPECT_EQ(file->size(), Bytes{bytes.size()});
  std::fill_n(bytes.begin() + 2 * 4096, 3 * 4096, std::byte{0});
  std::fill_n(bytes.begin() + 9 * 4096, 4096, std::byte{0});
  Buffer back(bytes.size());
  OS_MUST_VOID(co_await file->read(0_B, back));
  EXPECT_TRUE(back == bytes);
}

OS_TEST(Files, OpeningKeepsToTheRules) {
  os::Files& files = world.host().files();
  auto missing = co_await files.open(world.loop(), world.path("f"), OpenOptions{});
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_NE(missing.error().message.find(world.path("f")), std::string::npos) << missing.error().message;
  OpenOptions if_missing;
  if_missing.create = Create::if_missing;
  OS_MUST(auto made, co_await files.open(world.loop(), world.path("f"), if_missing));
  OS_MUST(auto again, co_await files.open(world.loop(), world.path("f"), if_missing));
  auto twice = co_await files.open(world.loop(), world.path("f"), making_new());
  EXPECT_EQ(twice.error().code, Code::exists);
  OpenOptions read_only;
  read_only.read_only = true;
  OS_MUST(auto reader, co_await files.open(world.loop(), world.path("f"), read_only));
  Buffer bytes = pattern(10);
  std::vector<Span> parts{bytes};
  EXPECT_FALSE(reader->write_now(0_B, parts).has_value());
  OS_MUST_VOID(made->write_now(0_B, parts));
  Buffer back(10);
  OS_MUST_VOID(co_await reader->read(0_B, back));
  EXPECT_TRUE(back == bytes);
}

inline Result<> use_blocking(Host& host, const std::string& path) {
  TRY(auto file, host.files().open_blocking(path, making_new()));
  Buffer bytes = pattern(10'000);
  TRY_VOID(file->write(100_B, bytes));
  TRY(Bytes size, file->size());
  EXPECT_EQ(size, 10'100_B);
  Buffer back(20'000);
  TRY(std::size_t n, file->read(100_B, back));
  EXPECT_EQ(n, 10'000u);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), back.begin()));
  TRY(std::size_t at_end, file->read(20'000_B, back));
  EXPECT_EQ(at_end, 0u);
  TRY_VOID(file->truncate(200_B));
  TRY(Bytes shorter, file->size());
  EXPECT_EQ(shorter, 200_B);
  TRY_VOID(file->truncate(300_B));
  TRY(std::size_t grown, file->read(150_B, back));
  EXPECT_EQ(grown, 150u);
  EXPECT_TRUE(std::equal(bytes.begin() + 50, bytes.begin() + 100, back.begin()));
  EXPECT_TRUE(is_zero(Span(back).subspan(50, 100)));
  TRY_VOID(file->allocate(0_B, 8192_B));
  TRY(Bytes allocated, file->size());
  EXPECT_EQ(allocated, 8192_B);
  TRY_VOID(file->punch(100_B, 50_B));
  TRY(std::size_t punched, file->read(90_B, back));
  EXPECT_EQ(punched, 8102u);
  EXPECT_TRUE(is_zero(Span(back).subspan(10, 50)));
  EXPECT_TRUE(std::equal(bytes.begin() + 50, bytes.begin() + 100, back.begin() + 60));
  EXPECT_EQ(file->path(), path);
  return file->sync();
}

OS_TEST(Files, BlockingFilesDoWhatTheySay) {
  auto job = [&world] { return use_blocking(world.host(), world.path("b")); };
  OS_MUST_VOID(co_await on_worker(world, job));
}

inline Result<> use_directories(Host& host, const std::string& top) {
  os::Files& files = host.files();
  TRY_VOID(files.make_directories(top + "/a/b"));
  TRY_VOID(files.make_directories(top + "/a/b"));  // there already: fine
  for (const char* name : {"zeta", "alpha", "mid"}) {
    TRY(auto file, files.open_blocking(top + "/a/" + name, making_new()));
    TRY_VOID(file->write(0_B, as_span(name)));
    TRY_VOID(file->sync());
  }
  TRY_VOID(files.rename(top + "/a/zeta", top + "/a/alpha"));  // replaces
  TRY_VOID(files.sync_directory(top + "/a"));
  TRY(auto entries, files.list(top + "/a"));
  std::string names;
  for (const DirectoryEntry& entry : entries) names += entry.name + (entry.is_directory ? "/ " : " ");
  EXPECT_EQ(names, "alpha b/ mid ");
  TRY(auto replaced, files.open_blocking(top + "/a/alpha", OpenOptions{}));
  Buffer back(10);
  TRY(std::size_t n, replaced->read(0_B, back));
  EXPECT_EQ(as_text(Span(back).first(n)), "zeta");

  TRY(PathKind kind, files.kind_of(top + "/a"));
  EXPECT_EQ(kind, PathKind::directory);
  TRY(bool old_there, files.exists(top + "/a/zeta"));
  EXPECT_FALSE(old_there);
  TRY(bool new_there, files.exists(top + "/a/alpha"));
  EXPECT_TRUE(new_there);
  TRY_VOID(files.remove(top + "/a/alpha"));
  TRY_VOID(files.remove(top + "/a/b"));
  EXPECT_EQ(files.remove(top + "/a/alpha").error().code, Code::not_found);
  EXPECT_FALSE(files.remove(top + "/a").has_value());  // not empty
  EXPECT_EQ(files.rename(top + "/a/none", top + "/a/other").error().code, Code::not_found);
  EXPECT_EQ(files.list(top + "/none").error().code, Code::not_found);
  TRY(Bytes space, files.free_space(top));
  EXPECT_GT(space, 0_B);
  return {};
}

OS_TEST(Files, DirectoriesDoWhatTheySay) {
  auto job = [&world] { return use_directories(world.host(), world.directory()); };
  OS_MUST_VOID(co_await on_worker(world, job));
}

inline Result<> use_locks(Host& host, const std::string& path) {
  {
    TRY(auto held, host.files().lock(path));
    EXPECT_EQ(host.files().lock(path).error().code, Code::busy);
  }
  TRY(auto again, host.files().lock(path));
  return {};
}

OS_TEST(Files, ALockIsHeldByOneUntilItDies) {
  auto job = [&world] { return use_locks(world.host(), world.path("lock")); };
  OS_MUST_VOID(co_await on_worker(world, job));
}

inline Result<> use_claims(Host& host, const std::string& path) {
  EXPECT_EQ(host.files().claim(path).error().code, Code::not_found);
  TRY(PathKind before, host.files().kind_of(path));
  EXPECT_EQ(before, PathKind::nothing);
  Buffer bytes = pattern(100);
  {
    TRY(auto file, host.files().open_blocking(path, making_new()));
    TRY_VOID(file->write(0_B, bytes));
  }
  TRY(PathKind after, host.files().kind_of(path));
  EXPECT_EQ(after, PathKind::file);
  {
    TRY(auto held, host.files().claim(path));
    EXPECT_EQ(host.files().claim(path).error().code, Code::busy);
  }
  TRY(auto again, host.files().claim(path));
  TRY(auto file, host.files().open_blocking(path, OpenOptions{}));
  Buffer back(200);
  TRY(std::size_t n, file->read(0_B, back));
  EXPECT_EQ(n, 100u);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), back.begin()));
  return {};
}

OS_TEST(Files, AClaimLeavesTheBytesAlone) {
  auto job = [&world] { return use_claims(world.host(), world.path("c")); };
  OS_MUST_VOID(co_await on_worker(world, job));
}

inline rt::Task<void> write_read_loop(File& file, unsigned slot, int& good) {
  Buffer bytes = pattern(4096, slot), back(4096);
  for (int i = 0; i < 8; ++i) {
    Bytes at{(slot * 8ull + static_cast<unsigned>(i)) * 4096};
    std::vector<Span> parts{bytes};
    auto written = co_await file.write(at, parts);
    auto synced = co_await file.sync();
    auto read = co_await file.read(at, back);
    if (written && synced && read && back == bytes) ++good;
  }
}

OS_TEST(Files, ManyOperationsAtOnceDoNotMixUp) {
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), making_new()));
  rt::Scope scope(world.loop());
  int good = 0;
  for (unsigned slot = 0; slot < 16; ++slot) scope.spawn(write_read_loop(*file, slot, good));
  co_await scope.join();
  EXPECT_EQ(good, 16 * 8);
}

OS_TEST(Files, SyncsRunBesideEachOther) {
  OpenOptions options = making_new();
  options.syncs = 4;
  OS_MUST(auto file, co_await world.host().files().open(world.loop(), world.path("f"), options));
  rt::Scope scope(world.loop());
  int good = 0;
  for (unsigned slot = 0; slot < 16; ++slot) scope.spawn(write_read_loop(*file, slot, good));
  co_await scope.join();
  EXPECT_EQ(good, 16 * 8);
}

}  // namespace lockstep::os::conformance
