// Openings after accidents: cut creations, damaged and lost parts, a pool opened twice.
#include <gmock/gmock.h>

#include "pool/pool_testing.h"

namespace lockstep::pool::testing {
namespace {

using ::testing::HasSubstr;

std::vector<std::uint64_t> all(std::uint64_t tag, std::size_t sectors) { return std::vector<std::uint64_t>(sectors, tag); }

std::vector<std::string> journal_files(TestPool& p) {
  std::vector<std::string> out;
  for (const std::string& path : p.host.disk().all_files())
    if (path.starts_with("/pool/journal/")) out.push_back(path);
  return out;
}

void cut_the_creation(const Options& options) {
  std::uint64_t before = 0;
  std::uint64_t operations = 0;
  {
    os::sim::World world{test_seed()};
    TestPool p{world, options};
    before = p.host.disk().operations();
    must(p.open());
    operations = p.host.disk().operations();
  }
  const std::uint64_t stride = 1 + (operations - before) / 60;
  for (std::uint64_t cut = before + 1 + test_seed() % stride; cut <= operations; cut += stride) {
    SCOPED_TRACE("cut before operation " + std::to_string(cut));
    os::sim::World world{test_seed(cut)};
    TestPool p{world, options};
    p.host.disk().die_before(cut);
    if (p.open()) continue;
    p.power_cut();
    must(p.open());
    must(p.run(p.pool->create_volume("v", 1_MiB)));
    must(p.write("v", 1, Bytes{0}, 4096));
    must(p.close());
    must(p.open(false));
    EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(1, 8));
  }
}

TEST(PoolRecovery, ACreationThatWasCutIsBegunAgain) { cut_the_creation(small_options()); }
TEST(PoolRecovery, ACreationOnADeviceThatWasCutIsBegunAgain) { cut_the_creation(image_options()); }

TEST(PoolRecovery, ADeviceIsForOnePool) {
  os::sim::World world{test_seed()};
  TestPool p{world, image_options()};
  EXPECT_EQ(p.open(false).error().code, Code::not_found);
  must(p.open());
  auto again = p.run(open_native(p.host, p.host.loop(), "/pool", "p", p.options, false));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::busy);
  must(p.close());
  auto other = p.run(open_native(p.host, p.host.loop(), "/pool/", "q", p.options, true));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::exists);
  EXPECT_THAT(other.error().message, HasSubstr("'p'"));
  must(p.open(false));
}

TEST(PoolRecovery, AFullDeviceRefusesWritesAndLosesNothing) {
  os::sim::World world{test_seed()};
  Options options = image_options();
  TestPool p{world, options};
  must(p.host.files().remove("/pool"));
  must(device::make_image(p.host.files(), "/pool", 40_MiB));
  must(p.open());
  must(p.run(p.pool->create_volume("v", 256_MiB)));
  std::uint64_t written = 0;
  Result<Lsn> last;
  for (; written < 5000; ++written) {
    last = p.write("v", written + 1, Bytes{written << 15}, written % 3 == 0 ? 32 << 10 : 8 << 10);
    if (!last) break;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::no_space) << last.error().message;
  EXPECT_FALSE(p.pool->status().stopped);
  EXPECT_GT(written, 400u);
  must(p.flush("v"));
  p.power_cut();
  must(p.open(false));
  for (std::uint64_t i = 0; i < written; i += 7) EXPECT_EQ(p.tags("v", Bytes{i << 15}, 8 << 10), all(i + 1, 16));
  must(p.zero("v", Bytes{0}, 256 << 20, true));
  must(p.run(p.pool->checkpoint()));
  for (std::uint64_t i = 0; i < 20; ++i) must(p.write("v", 7000 + i, Bytes{i << 15}, 8 << 10));
  must(p.close());
}

TEST(PoolRecovery, APoolIsOpenOnce) {
  os::sim::World world{test_seed()};
  TestPool p{world};
  must(p.open());
  auto again = p.run(open_native(p.host, p.host.loop(), "/pool", "p", p.options, false));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::busy);
  auto other = p.run(open_native(p.host, p.host.loop(), "/elsewhere", "p", p.options, false));
  EXPECT_EQ(other.error().code, Code::not_found);
  must(p.close());
  auto renamed = p.run(open_native(p.host, p.host.loop(), "/pool", "q", p.options, false));
  EXPECT_EQ(renamed.error().code, Code::exists);
  must(p.open(false));
}

TEST(PoolRecovery, AJournalThatIsGoneIsNoticed) {
  os::sim::World world{test_seed()};
  TestPool p{world};
  must(p.open());
  must(p.run(p.pool->create_volume("v", 1_MiB)));
  must(p.write("v", 1, Bytes{0}, 4096));
  must(p.close());
  for (const std::string& path : journal_files(p)) must(p.host.files().remove(path));
  // What the store has can be saved; nothing is built upon a history of which the end is unknown.
  must(p.open(false));
  ASSERT_TRUE(p.pool->status().damage);
  EXPECT_THAT(*p.pool->status().damage, HasSubstr("journal"));
  EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(1, 8));
  EXPECT_EQ(p.write("v", 2, Bytes{0}, 4096).error().code, Code::read_only);
}

TEST(PoolRecovery, AStoreThatIsGoneIsNoticed) {
  os::sim::World world{test_seed()};
  TestPool p{world};
  must(p.open());
  must(p.run(p.pool->create_volume("v", 1_MiB)));
  for (std::uint64_t i = 0; i < 300; ++i) must(p.write("v", i + 1, Bytes{(i % 250) * 4096}, 4096));
  must(p.close());
  for (const std::string& path : p.host.disk().all_files())
    if (path.starts_with("/pool/store/")) must(p.host.files().remove(path));
  auto opened = p.open(false);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("older"));
}

TEST(PoolRecovery, ADamagedJournalOpensReadOnly) {
  os::sim::World world{test_seed()};
  TestPool p{world};
  must(p.open());
  GroupId g = must(p.run(p.pool->create_group("g", {must(p.run(p.pool->create_volume("v", 1_MiB)))})));
  must(p.write("v", 1, Bytes{0}, 4096));
  must(p.run(p.pool->checkpoint()));
  for (std::uint64_t i = 0; i < 20; ++i) {
    must(p.write("v", i + 2, Bytes{(i + 1) * 4096}, 4096));
    must(p.flush("v"));
  }
  p.kill();
  // Somewhere in the middle of what is known durable.
  bool hit = false;
  for (const std::string& path : journal_files(p)) {
    Buffer bytes = p.host.disk().bytes_of(path);
    Buffer wanted = pattern(10, Bytes{9 * 4096}, 512);
    auto at = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
    if (at == bytes.end()) continue;
    p.host.disk().corrupt(path, Bytes{static_cast<std::uint64_t>(at - bytes.begin()) + 3});
    hit = true;
  }
  ASSERT_TRUE(hit);
  must(p.open(false));
  ASSERT_TRUE(p.pool->status().damage);
  EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(1, 8));
  EXPECT_EQ(p.tags("v", Bytes{4096}, 4096), all(2, 8));
  auto refused = p.write("v", 99, Bytes{0}, 4096);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::read_only);
  EXPECT_EQ(p.run(p.pool->snapshot(g, "s", "")).error().code, Code::read_only);
  EXPECT_TRUE(p.flush("v"));
  must(p.close());
}

TEST(PoolRecovery, AFullFileSystemRefusesWritesAndLosesNothing) {
  os::sim::World world{test_seed()};
  TestPool p{world};
  must(p.open());
  must(p.run(p.pool->create_volume("v", 256_MiB)));
  must(p.run(p.pool->create_volume("w", 1_MiB)));
  p.host.disk().set_capacity(p.host.disk().used() + 12_MiB);
  std::uint64_t written = 0;
  Result<Lsn> last;
  for (; written < 5000; ++written) {
    last = p.write("v", written + 1, Bytes{written << 15}, written % 3 == 0 ? 32 << 10 : 8 << 10);
    if (!last) break;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::no_space) << last.error().message;
  EXPECT_FALSE(p.pool->status().stopped);
  must(p.flush("v"));
  for (std::uint64_t i = 0; i < written; i += 7) EXPECT_EQ(p.tags("v", Bytes{i << 15}, 8 << 10), all(i + 1, 16));
  must(p.run(p.pool->delete_volume(*p.pool->find_volume("w"))));
  must(p.zero("v", Bytes{0}, 256 << 20, true));
  must(p.run(p.pool->checkpoint()));
  for (std::uint64_t i = 0; i < 20; ++i) must(p.write("v", 7000 + i, Bytes{i << 15}, 8 << 10));
  p.power_cut();
  p.host.disk().set_capacity(p.host.disk().used() + 64_MiB);
  must(p.open(false));
  EXPECT_FALSE(p.pool->status().damage);
}

TEST(PoolRecovery, ExtentsTellHolesFromData) {
  os::sim::World world{test_seed()};
  TestPool p{world};
  must(p.open());
  must(p.run(p.pool->create_volume("v", 16_MiB)));
  must(p.write("v", 1, Bytes{1 << 20}, 8192));
  must(p.write("v", 2, Bytes{2 << 20}, 256 << 10));
  auto look = [&](Bytes at, std::uint64_t length, std::size_t most) {
    VolumeRef v = p.volume("v");
    std::string text;
    for (const BlockExtent& e : must(p.run(v->extents(at, Bytes{length}, most))))
      text += (e.hole ? "-" : "+") + std::to_string(e.at.value / 4096) + ":" + std::to_string(e.length.value / 512) + " ";
    return text;
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(look(Bytes{0}, 16 << 20, 100), "-0:2048 +256:16 -258:2032 +512:512 -576:28160 ");
    EXPECT_EQ(look(Bytes{(1 << 20) + 512}, 8192, 100), "+256:15 -258:1 ");
    EXPECT_EQ(look(Bytes{0}, 16 << 20, 2), "-0:2048 +256:16 ");
    if (round == 0) must(p.run(p.pool->checkpoint()));
  }
  must(p.zero("v", Bytes{(2 << 20) + 4096}, 4096));
  must(p.write("v", 3, Bytes{8 << 20}, 512));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(look(Bytes{0}, 16 << 20, 100), "-0:2048 +256:16 -258:2032 +512:8 -513:8 +514:496 -576:11776 +2048:8 -2049:16376 ");
    EXPECT_EQ(look(Bytes{2 << 20}, 16384, 100), "+512:8 -513:8 +514:16 ");
    if (round == 0) must(p.run(p.pool->checkpoint()));
  }
}

}  // namespace
}  // namespace lockstep::pool::testing
