// Devices: what is refused, what survives. Random histories with power cuts against a plain model.
#include "pool/device/device.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "os/sim/rng.h"
#include "os/sim/sim.h"
#include "os/sim/testing.h"
#include "pool/device/device_testing.h"

namespace lockstep::pool::device {
namespace {

using ::testing::HasSubstr;
using os::sim::must;
using os::sim::test_seed;

constexpr Bytes chunk{16 << 10};
constexpr Bytes image_size = data_start + Bytes{100 * chunk.value};

struct Stage {
  explicit Stage(std::uint64_t seed) : world(seed), host(world.add_host("a")) { must(make_image(host.files(), "/image", image_size)); }
  // Blocking calls are legal here: nothing runs. On the loop's worker in a program.
  Result<> open(bool create = true) {
    files.reset();
    TRY(auto device, Device::open(host.files(), host.random(), "/image", create, chunk));
    files = std::make_unique<DeviceFiles>(std::move(device));
    return {};
  }
  void power_cut(os::sim::Tear tear = os::sim::Tear::any) {
    host.power_cut(tear);
    files.reset();
    host.restart();
  }
  Result<> write(const std::string& name, std::string_view text, Bytes at = Bytes{0}) {
    TRY(auto file, files->open_blocking("/image/" + name, os::OpenOptions{.create = os::Create::if_missing}));
    TRY_VOID(file->write(at, as_span(text)));
    return file->sync();
  }
  std::string text_of(const std::string& name) {
    auto file = files->open_blocking("/image/" + name, os::OpenOptions{});
    if (!file) return "(" + std::string(name_of(file.error().code)) + ")";
    Buffer bytes(must((*file)->size()).value);
    must((*file)->read(Bytes{0}, bytes));
    return std::string(as_text(bytes));
  }
  os::sim::World world;
  os::sim::Host& host;
  std::unique_ptr<DeviceFiles> files;
};

TEST(Device, IsThereAfterItWasMade) {
  Stage s(test_seed());
  EXPECT_EQ(s.open(false).error().code, Code::not_found);
  must(s.open());
  must(s.write("a", "hello"));
  must(s.open(false));
  EXPECT_EQ(s.text_of("a"), "hello");
  must(s.open(true));   // made already
  EXPECT_EQ(s.text_of("a"), "hello");
}

TEST(Device, IsOneProcessAlone) {
  Stage s(test_seed());
  must(s.open());
  auto second = Device::open(s.host.files(), s.host.random(), "/image", false, Bytes{0});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::busy);
}

TEST(Device, WhatHoldsSomethingElseIsLeftAlone) {
  Stage s(test_seed());
  {
    auto file = must(s.host.files().open_blocking("/image", os::OpenOptions{}));
    must(file->write(1080_B, as_span(std::string_view("\x53\xef"))));
  }
  const Buffer before = s.host.disk().bytes_of("/image");
  auto opened = s.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::exists);
  EXPECT_THAT(opened.error().message, HasSubstr("/image"));
  EXPECT_THAT(opened.error().message, HasSubstr("ext4"));
  EXPECT_TRUE(before == s.host.disk().bytes_of("/image"));
}

TEST(Device, TooSmallIsRefusedWithAFigure) {
  Stage s(test_seed());
  must(make_image(s.host.files(), "/small", 1_MiB));
  auto opened = Device::open(s.host.files(), s.host.random(), "/small", true, Bytes{0});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr("24"));
}

TEST(Device, OneCopyIsEnough) {
  for (std::uint64_t damaged : {std::uint64_t{0}, slot_size.value}) {
    Stage s(test_seed(damaged));
    must(s.open());
    must(s.write("a", "hello"));
    s.files.reset();
    s.host.disk().corrupt("/image", Bytes{damaged + 40});
    must(s.open(false));
    EXPECT_EQ(s.text_of("a"), "hello");
    s.files.reset();
    s.host.disk().corrupt("/image", Bytes{slot_size.value - damaged + 40});   // the first was mended meanwhile
    must(s.open(false));
    EXPECT_EQ(s.text_of("a"), "hello");
    s.files.reset();
    s.host.disk().corrupt("/image", Bytes{40});
    s.host.disk().corrupt("/image", Bytes{slot_size.value + 40});
    EXPECT_EQ(s.open(false).error().code, Code::corrupt);
    EXPECT_FALSE(s.open(true));
  }
}

TEST(Device, GrowsWithItsImageAndDoesNotShrink) {
  Stage s(test_seed());
  must(s.open());
  must(s.write("a", "hello"));
  const Bytes before = must(s.files->free_space("/image"));
  s.files.reset();
  {
    auto file = must(s.host.files().open_blocking("/image", os::OpenOptions{}));
    must(file->truncate(image_size + 1_MiB));
  }
  must(s.open(false));
  EXPECT_EQ(must(s.files->free_space("/image")), before + 1_MiB);
  s.files.reset();
  {
    auto file = must(s.host.files().open_blocking("/image", os::OpenOptions{}));
    must(file->truncate(image_size));
  }
  auto shorter = s.open(false);
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().code, Code::corrupt);
}

TEST(Device, ARemovedFileIsReadAsLongAsItIsOpen) {
  Stage s(test_seed());
  must(s.open());
  must(s.write("a", "hello"));
  auto held = must(s.files->open_blocking("/image/a", os::OpenOptions{}));
  must(s.files->remove("/image/a"));
  must(s.files->sync_directory("/image"));
  auto fill = must(s.files->open_blocking("/image/b", os::OpenOptions{.create = os::Create::must_be_new}));
  while (must(s.files->free_space("/image")) > Bytes{0}) {
    Bytes end = must(fill->size());
    must(fill->allocate(end, chunk));
  }
  EXPECT_EQ(fill->allocate(must(fill->size()), chunk).error().code, Code::no_space);
  Buffer back(5);
  must(held->read(Bytes{0}, back));
  EXPECT_EQ(as_text(back), "hello");
  held.reset();
  must(fill->allocate(must(fill->size()), chunk));   // its chunk is free now
}

TEST(Device, NothingOldShinesThrough) {
  Stage s(test_seed());
  must(s.open());
  std::string text(200'000, 'x');
  must(s.write("a", text));
  must(s.files->remove("/image/a"));
  must(s.files->sync_directory("/image"));
  auto file = must(s.files->open_blocking("/image/b", os::OpenOptions{.create = os::Create::must_be_new}));
  must(file->allocate(Bytes{0}, Bytes{1'500'000}));
  must(file->write(Bytes{20'000}, as_span(std::string_view("y"))));
  must(file->truncate(Bytes{20'010}));
  must(file->write(Bytes{20'005}, as_span(std::string_view("zzzzz"))));
  must(file->truncate(Bytes{20'006}));
  must(file->sync());
  file.reset();
  must(s.open(false));
  auto again = must(s.files->open_blocking("/image/b", os::OpenOptions{}));
  must(again->truncate(Bytes{300'000}));
  std::string expected(300'000, '\0');
  expected[20'000] = 'y';
  expected[20'005] = 'z';
  again.reset();
  EXPECT_TRUE(s.text_of("b") == expected);
}

TEST(Device, ASuperblockThatCouldNotBeWrittenIsFinal) {
  Stage s(test_seed());
  must(s.open());
  must(s.write("a", "hello"));
  s.host.disk().fail_writes("/image", 1);
  auto file = must(s.files->open_blocking("/image/b", os::OpenOptions{.create = os::Create::must_be_new}));
  EXPECT_EQ(s.files->sync_directory("/image").error().code, Code::io);
  EXPECT_EQ(s.files->sync_directory("/image").error().code, Code::io);
  EXPECT_EQ(file->sync().error().code, Code::io);
}

// --- histories

// Names and contents that a program sees, and which of them must be there after a power cut.
struct Model {
  using Content = std::map<std::string, std::string>;
  Content now;
  Content durable;
  std::set<std::string> touched;   // since everything was durable
};

std::string name(std::uint64_t n) { return "d/f" + std::to_string(n); }

// One step that the model follows. False when the host died in it.
bool step(Stage& s, Model& m, os::sim::Rng& rng) {
  const std::string file = name(rng.below(5));
  const std::string path = "/image/" + file;
  auto lived = [&](const auto& result) {
    EXPECT_TRUE(result || !s.host.alive() || result.error().code == Code::no_space) << result.error().message;
    return result.has_value();
  };
  const std::uint64_t kind = rng.below(10);
  if (kind < 8) m.touched.insert(file);
  if (kind < 6) {
    auto opened = s.files->open_blocking(path, os::OpenOptions{.create = os::Create::if_missing});
    if (!lived(opened)) return s.host.alive();
    std::string& text = m.now[file];
    const std::uint64_t at = rng.below(text.size() + 1000), length = 1 + rng.below(rng.chance(100) ? 60'000 : 6000);
    if (kind < 4) {
      std::string bytes(length, static_cast<char>('a' + rng.below(26)));
      if (!lived((*opened)->write(Bytes{at}, as_span(bytes)))) return s.host.alive();
      text.resize(std::max<std::size_t>(text.size(), at + length));
      text.replace(at, length, bytes);
    } else if (kind == 4) {
      if (!lived((*opened)->truncate(Bytes{at}))) return s.host.alive();
      text.resize(at);
    } else {
      if (!lived((*opened)->allocate(Bytes{at}, Bytes{length}))) return s.host.alive();
      text.resize(std::max<std::size_t>(text.size(), at + length));
    }
    return true;
  }
  if (kind == 6) {
    if (!m.now.contains(file)) return true;
    if (!lived(s.files->remove(path))) return s.host.alive();
    m.now.erase(file);
  } else if (kind == 7) {
    const std::string to = name(rng.below(5));
    m.touched.insert(to);
    if (!m.now.contains(file)) return true;
    if (!lived(s.files->rename(path, "/image/" + to))) return s.host.alive();
    if (to != file) {
      m.now[to] = m.now[file];
      m.now.erase(file);
    }
  } else if (kind == 8) {
    if (!lived(s.files->sync_directory("/image/d"))) return s.host.alive();
  } else {
    // Everything: from here on it survives.
    for (const auto& [each, text] : m.now) {
      auto opened = s.files->open_blocking("/image/" + each, os::OpenOptions{});
      if (!lived(opened)) return s.host.alive();
      if (!lived((*opened)->sync())) return s.host.alive();
    }
    if (!lived(s.files->sync_directory("/image/d"))) return s.host.alive();
    m.durable = m.now;
    m.touched.clear();
  }
  return true;
}

Model::Content contents(Stage& s) {
  Model::Content out;
  for (const os::DirectoryEntry& entry : must(s.files->list("/image/d"))) out["d/" + entry.name] = s.text_of("d/" + entry.name);
  return out;
}

// Lives that end at any operation of the disk, at any time, or in good order.
void live(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  os::sim::Rng rng(seed);
  Stage s(seed);
  Model m;
  must(s.open());
  must(s.files->make_directories("/image/d"));
  must(s.files->sync_directory("/image/d"));
  for (int life = 0; life < 6; ++life) {
    const bool cut = rng.chance(700);
    if (cut) s.host.disk().die_before(s.host.disk().operations() + 1 + rng.below(200));
    bool alive = true;
    for (int i = 0; i < 60 && alive; ++i) alive = step(s, m, rng);
    s.host.disk().die_before(0);
    if (alive && !cut) {
      const Model::Content seen = contents(s);
      EXPECT_TRUE(seen == m.now);
      for (const auto& [each, text] : m.now) {
        auto opened = must(s.files->open_blocking("/image/" + each, os::OpenOptions{}));
        must(opened->sync());
      }
      must(s.files->sync_directory("/image/d"));
      must(s.open(false));
      EXPECT_TRUE(contents(s) == m.now);
      m.durable = m.now;
      m.touched.clear();
      continue;
    }
    s.power_cut();
    must(s.open(false));
    const Model::Content found = contents(s);
    Model::Content untouched = m.durable, found_untouched = found;
    for (const std::string& each : m.touched) {   // may be there in part
      untouched.erase(each);
      found_untouched.erase(each);
    }
    EXPECT_TRUE(untouched == found_untouched);
    m.now = m.durable = found;
    m.touched.clear();
    for (const auto& [each, text] : found) {
      auto opened = must(s.files->open_blocking("/image/" + each, os::OpenOptions{}));
      must(opened->sync());
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Device, HistoriesWithPowerCutsReadAsTheyWereWritten) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    live(test_seed(i));
    if (::testing::Test::HasFailure()) return;
  }
}

// Two files that were durable, one step, a death at each of its operations: both are there, the untouched one with its bytes.
TEST(Device, APowerCutAnywhereLeavesTheOldOrTheNewState) {
  struct Step {
    Result<> (*run)(Stage&);
    bool (*is_good)(bool done, const std::string& a, const std::string& b, const std::string& c);
  };
  static const std::string old_a(50'000, 'a'), old_b(20'000, 'b');
  static auto all_c = [](const std::string& c, std::size_t size) { return c == std::string(size, 'c'); };
  const Step steps[] = {
      {[](Stage& s) { return s.write("a", "new"); },
       [](bool done, const std::string& a, const std::string& b, const std::string&) {
         return a.substr(3) == old_a.substr(3) && a.size() == old_a.size() && b == old_b && (!done || a.starts_with("new"));
       }},
      {[](Stage& s) { return s.write("c", std::string(100'000, 'c')); },
       [](bool done, const std::string& a, const std::string& b, const std::string& c) { return a == old_a && b == old_b && (!done || all_c(c, 100'000)); }},
      {[](Stage& s) -> Result<> {
         TRY_VOID(s.files->remove("/image/a"));
         TRY_VOID(s.files->sync_directory("/image"));
         return s.write("c", std::string(1'000'000, 'c'));   // takes what the removed one had
       },
       [](bool done, const std::string& a, const std::string& b, const std::string& c) {
         return (a == old_a || a == "(not found)") && b == old_b && (!done || all_c(c, 1'000'000));
       }},
      {[](Stage& s) -> Result<> {
         TRY_VOID(s.files->rename("/image/a", "/image/b"));
         return s.files->sync_directory("/image");
       },
       [](bool done, const std::string& a, const std::string& b, const std::string&) {
         return (a == "(not found)" && b == old_a) || (!done && a == old_a && b == old_b);
       }},
      {[](Stage& s) -> Result<> {
         TRY(auto file, s.files->open_blocking("/image/a", os::OpenOptions{}));
         TRY_VOID(file->truncate(Bytes{3}));
         TRY_VOID(s.write("c", std::string(1'500'000, 'c')));
         return file->sync();
       },
       [](bool done, const std::string& a, const std::string& b, const std::string& c) {
         return (a == old_a || a == "aaa") && b == old_b && (!done || (a == "aaa" && all_c(c, 1'500'000)));
       }},
  };
  for (std::size_t which = 0; which < std::size(steps); ++which) {
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE("step " + std::to_string(which) + ", before operation " + std::to_string(n));
      Stage s(test_seed(which * 1000 + n));
      must(s.open());
      must(s.write("a", old_a));
      must(s.write("b", old_b));
      s.host.disk().die_before(s.host.disk().operations() + n);
      const bool done = steps[which].run(s).has_value();
      s.host.disk().die_before(0);
      s.power_cut();
      must(s.open(false));
      const std::string a = s.text_of("a"), b = s.text_of("b"), c = s.text_of("c");
      EXPECT_TRUE(steps[which].is_good(done, a, b, c)) << done << ", a " << a.size() << " bytes, b " << b.size() << ", c " << c.size();
      if (done || ::testing::Test::HasFailure()) break;
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Device, ACreationThatWasCutIsBegunAgain) {
  for (std::uint64_t n = 1; n < 10; ++n) {
    SCOPED_TRACE("before operation " + std::to_string(n));
    for (std::uint64_t i = 0; i < 8; ++i) {
      Stage s(test_seed(n * 100 + i));
      s.host.disk().die_before(s.host.disk().operations() + n);
      ignore(s.open(), "it may die");
      s.host.disk().die_before(0);
      s.power_cut();
      must(s.open());
      must(s.write("a", "hello"));
      must(s.open(false));
      EXPECT_EQ(s.text_of("a"), "hello");
    }
  }
}

}  // namespace
}  // namespace lockstep::pool::device
