// A token's copy is used from its first moment: what hosts ask for is fetched, the rest comes behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/group/ledger.h"
#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Bytes slowly = 64_KiB;   // a second

struct Filling {
  explicit Filling(std::uint64_t salt, bool far = true) : world(test_seed(salt)), a(world, "a", {"p", "q"}), b(world, "b", {"p"}), remote(far) {
    std::string token = must(a.engine->invite(std::chrono::minutes(5), {a.listening}));
    must(b.run(b.engine->join(token, {b.listening})));
    group = a.make_group("db", 2, 4_MiB);
    a.write("db-v1", 1000, Bytes{0}, (2_MiB).value);
    a.write("db-v2", 2000, 1_MiB, 65536);
    first = a.content("db-v1");
    second = a.content("db-v2");
  }
  void create(Bytes limit = slowly) {
    CreateRequest r;
    r.name = "r";
    r.sync_type = SyncType::tokenized_clone;
    r.settings.mode = Mode::asynchronous;
    r.settings.rpo_seconds = 0;
    r.settings.limit_per_second = limit;
    r.pool = a.pool().id();
    r.group = group;
    r.target_system = remote ? b.self.id : a.self.id;
    r.target_pool = remote ? "p" : "q";
    r.target_group = "copy";
    id = must(a.run(a.engine->create(r)));
    settings = r.settings;
    // What hosts do to the source afterwards is not in it.
    a.write("db-v1", 1, Bytes{0});
    a.write("db-v1", 1, 3_MiB);
    a.write("db-v2", 2, 1_MiB);
  }
  TestSystem& target() { return remote ? b : a; }
  [[nodiscard]] std::size_t pool() const { return remote ? 0 : 1; }
  std::string volume(int i) {
    const store::GroupRow* row = target().group("copy", pool());
    return target().pool(pool()).catalog().volumes.at(row->members.at(static_cast<std::size_t>(i - 1))).name;
  }
  bool filling() { return is_filling(target().pool(pool()), target().group("copy", pool())->id); }
  std::uint64_t tag(int i, Bytes at) { return target().tag(volume(i), at, pool()); }
  Result<> read(int i, Bytes at, std::uint64_t length = 4096) {
    pool::VolumeRef v = target().volume(volume(i), pool());
    Buffer bytes(length);
    return target().on_pool(v->read(at, bytes), pool());
  }
  void write(int i, std::uint64_t tag, Bytes at, std::uint64_t length = 4096) {
    target().write(volume(i), tag, at, length, pool());
    Buffer& model = i == 1 ? first : second;
    Buffer data = pool::testing::pattern(tag, at, length);
    std::copy(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(at.value));
  }
  void discard(int i, Bytes at, Bytes length) {
    pool::VolumeRef v = target().volume(volume(i), pool());
    must(target().on_pool(v->zero(at, length, true), pool()));
    Buffer& model = i == 1 ? first : second;
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(at.value), length.value, std::byte{0});
  }
  Result<> flush() {
    pool::VolumeRef v = target().volume(volume(1), pool());
    return target().on_pool(v->flush(), pool());
  }
  void hurry() {
    settings.limit_per_second = Bytes{0};
    must(a.run(a.engine->set(id, settings)));
  }
  // It ends by itself, holds what it should, and is nobody's target.
  void expect_end() {
    ASSERT_TRUE(world.run_until([&] { return a.registry.relationships_.empty() && target().registry.relationships_.empty(); }, std::chrono::minutes(10)))
        << "state " << name_of(a.report(id).copy_state) << ", " << a.report(id).cause;
    EXPECT_FALSE(filling());
    EXPECT_EQ(target().group("copy", pool())->role, store::Role::source);
    EXPECT_EQ(a.internal_snapshots(), 0U);
    EXPECT_TRUE(target().content(volume(1), pool()) == first);
    EXPECT_TRUE(target().content(volume(2), pool()) == second);
  }

  os::sim::World world;
  TestSystem a, b;
  const bool remote;
  GroupId group;
  RelationshipId id;
  Settings settings;
  Buffer first, second;   // what the target should hold
};

void use_it_at_once(Filling& t) {
  t.create();
  EXPECT_TRUE(t.filling());
  EXPECT_EQ(t.tag(1, Bytes{0}), 1000U);
  EXPECT_EQ(t.tag(1, 2_MiB - Bytes{4096}), 1000U);
  EXPECT_EQ(t.tag(1, 3_MiB), 0U);   // a hole of the source, as of the token
  EXPECT_EQ(t.tag(2, 1_MiB), 2000U);
  EXPECT_TRUE(t.a.reaches(t.id, CopyState::unsynchronized, seconds(5)));
  t.write(1, 77, Bytes{8192});                // a whole block
  t.write(1, 78, Bytes{16384 + 512}, 512);    // a part of one that is still there
  t.write(1, 79, 1_MiB, 128 << 10);           // past the journal
  t.write(2, 80, Bytes{4096 + 1024}, 1024);   // a part of a hole
  t.discard(1, Bytes{256 << 10}, Bytes{64 << 10});
  EXPECT_TRUE(t.filling());
  EXPECT_TRUE(t.target().content(t.volume(1), t.pool()) == t.first);
  EXPECT_TRUE(t.target().content(t.volume(2), t.pool()) == t.second);
  Result<SnapshotId> early = t.target().on_pool(t.target().pool(t.pool()).snapshot(t.target().group("copy", t.pool())->id, "early", ""), t.pool());
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code, Code::busy);
  EXPECT_THAT(early.error().message, HasSubstr("still being filled"));
  t.hurry();
  t.expect_end();
  must(t.target().on_pool(t.target().pool(t.pool()).snapshot(t.target().group("copy", t.pool())->id, "late", ""), t.pool()));
}

TEST(Fill, ATargetIsUsedBeforeItIsWhole) {
  Filling t(9100);
  use_it_at_once(t);
}

TEST(Fill, ATargetInAnotherPoolIsUsedBeforeItIsWhole) {
  Filling t(9101, false);
  use_it_at_once(t);
}

TEST(Fill, AnotherSystemThatPresentsATokenUsesItAtOnce) {
  Filling t(9102);
  TokenRequest request;
  request.pool = t.a.pool().id();
  request.group = t.group;
  request.valid = std::chrono::hours(1);
  request.advertised = {t.a.listening};
  std::string token = must(t.a.run(t.a.engine->create_token(request)));
  t.a.write("db-v1", 1, Bytes{0});
  TokenUse use;
  use.token = token;
  use.name = "r";
  use.target_group = "copy";
  use.settings.rpo_seconds = 0;
  use.settings.limit_per_second = slowly;
  t.id = must(t.b.run(t.b.engine->use_token(use)));
  EXPECT_TRUE(t.filling());
  EXPECT_EQ(t.tag(1, Bytes{0}), 1000U);
  t.write(1, 77, Bytes{4096 + 512}, 512);
  t.expect_end();
}

TEST(Fill, HolesThatWereReadOrOverwrittenDoNotMatter) {
  Filling t(9103);
  t.create();
  must(t.read(2, 2_MiB, 1 << 20));
  t.write(2, 5, 3_MiB);
  t.discard(2, 1_MiB, Bytes{65536});
  t.discard(1, Bytes{0}, 4_MiB);
  t.expect_end();
}

TEST(Fill, AnOutageKeepsWhatIsThereAndNamesItsCause) {
  Filling t(9104);
  t.create();
  must(t.read(1, Bytes{0}, 65536));
  t.write(1, 77, 2_MiB);
  t.world.network().partition(t.a.host, t.b.host);
  Instant asked = t.world.now();
  Result<> missing = t.read(1, 2_MiB - Bytes{4096});
  ASSERT_FALSE(missing.has_value());
  EXPECT_LE(t.world.now() - asked, seconds(8));   // some of it until the silence is noticed
  EXPECT_THAT(missing.error().message, HasSubstr("still on another system"));
  EXPECT_THAT(missing.error().message, HasSubstr("relationship 'r'"));
  asked = t.world.now();
  missing = t.read(1, 2_MiB - Bytes{4096});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Code::unreachable);
  EXPECT_LE(t.world.now() - asked, seconds(4));
  Result<Lsn> part = t.target().try_write(t.volume(1), 9, 2_MiB - Bytes{512}, 512);
  EXPECT_FALSE(part.has_value());
  EXPECT_EQ(t.tag(1, Bytes{4096}), 1000U);
  EXPECT_EQ(t.tag(1, 2_MiB), 77U);
  t.write(1, 78, 2_MiB - Bytes{4096});
  EXPECT_TRUE(t.b.reaches(t.id, CopyState::broken));
  t.world.network().heal(t.a.host, t.b.host);
  t.expect_end();
}

TEST(Fill, ItGoesOnAfterRestartsOfEitherEnd) {
  for (std::uint64_t round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    Filling t(9110 + round);
    t.create();
    t.write(1, 77, Bytes{8192});
    t.write(1, 78, Bytes{16384 + 512}, 512);
    t.discard(1, Bytes{512 << 10}, Bytes{512 << 10});
    must(t.flush());
    t.world.run_for(milliseconds(500 + 700 * round));
    if (round % 3 != 1) t.b.power_cut();
    if (round % 3 != 0) t.a.kill();
    if (round % 3 != 1) t.b.start();
    if (round % 3 != 0) t.a.start();
    ASSERT_TRUE(t.filling());
    EXPECT_TRUE(t.b.content(t.volume(1)) == t.first);
    t.write(2, 79, 1_MiB + Bytes{512}, 512);
    must(t.flush());
    t.world.run_for(milliseconds(900));
    t.b.kill();
    t.b.start();
    EXPECT_TRUE(t.b.content(t.volume(2)) == t.second);
    t.hurry();
    t.expect_end();
  }
}

TEST(Fill, WhatTheTargetHasAlreadyDoesNotTravelAgain) {
  Filling t(9120);
  t.create();
  must(t.read(1, Bytes{0}, 2 << 20));   // everything there is, by being read
  must(t.flush());
  t.a.kill();
  t.b.power_cut();
  t.a.start();
  t.b.start();
  Bytes before = t.a.report(t.id).sent_total;
  ASSERT_TRUE(t.world.run_until([&] { return t.a.report(t.id).to_copy.value > 0 || t.a.registry.relationships_.empty(); }, seconds(30)));
  Bytes sent = before;
  while (!t.a.registry.relationships_.empty()) {
    auto report = t.a.run(t.a.engine->report(t.id));
    if (report) sent = std::max(sent, report->sent_total);
    t.world.run_for(milliseconds(10));
  }
  EXPECT_LT((sent - before).value, 512U << 10);
  t.expect_end();
}

TEST(Fill, RevokingTheTokenEndsTheFillAndNothingElse) {
  Filling t(9121);
  t.create();
  must(t.read(1, Bytes{0}, 65536));
  t.write(1, 77, 2_MiB);
  std::vector<TokenReport> tokens = t.a.run(t.a.engine->tokens());
  ASSERT_EQ(tokens.size(), 1U);
  Result<> told = t.a.run(t.a.engine->revoke_token(tokens[0].id, false));
  ASSERT_FALSE(told.has_value());
  EXPECT_THAT(told.error().message, HasSubstr("'r'"));
  EXPECT_TRUE(t.read(1, Bytes{1 << 20}).has_value());
  must(t.a.run(t.a.engine->revoke_token(tokens[0].id, true)));
  EXPECT_EQ(t.a.report(t.id).copy_state, CopyState::aborted);
  EXPECT_TRUE(t.b.reaches(t.id, CopyState::aborted));
  auto look = [&t] {
    EXPECT_EQ(t.tag(1, Bytes{4096}), 1000U);
    EXPECT_EQ(t.tag(1, 2_MiB), 77U);
    Result<> missing = t.read(1, 2_MiB - Bytes{4096});
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, Code::unreachable) << missing.error().message;
    EXPECT_FALSE(t.read(2, 3_MiB).has_value());   // a hole, as nobody here can know
    t.write(1, 78, 3_MiB);
    EXPECT_EQ(t.tag(1, 3_MiB), 78U);
  };
  look();
  must(t.a.operate(t.id, Operation::detach));
  EXPECT_TRUE(t.b.registry.relationships_.empty());
  look();
  t.b.kill();
  t.b.start();
  look();
  EXPECT_EQ(t.a.internal_snapshots(), 0U);
}

TEST(Fill, DetachedByForceItKeepsWhatCame) {
  Filling t(9122);
  t.create();
  must(t.read(1, Bytes{0}, 65536));
  t.write(1, 77, 2_MiB);
  must(t.a.operate(t.id, Operation::detach));
  EXPECT_EQ(t.tag(1, Bytes{4096}), 1000U);
  EXPECT_EQ(t.tag(1, 2_MiB), 77U);
  Result<> missing = t.read(1, 2_MiB - Bytes{4096});
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("nothing brings it"));
  EXPECT_EQ(t.a.internal_snapshots(), 0U);
}

TEST(Fill, BytesFlippedOnTheWayAreFetchedAgain) {
  for (std::uint64_t round = 0; round < 24; ++round) {
    SCOPED_TRACE(round);
    Filling t(9130 + round);
    t.create(512_KiB);
    t.world.run_for(milliseconds(300));
    bool to_target = round % 2 == 0;
    t.world.network().flip_bit(to_target ? t.a.host : t.b.host, to_target ? t.b.host : t.a.host, 50 + round * (to_target ? 911 : 17));
    EXPECT_EQ(t.tag(1, 2_MiB - Bytes{4096}), 1000U);
    EXPECT_EQ(t.tag(1, 1_MiB), 1000U);
    t.write(1, 77, 2_MiB - Bytes{512}, 512);
    EXPECT_TRUE(t.b.content(t.volume(1)) == t.first);
    t.hurry();
    t.expect_end();
  }
}

// Hosts write, read and discard all the time; ends die; the other end's bytes come when they come.
TEST(Fill, UnderLoadAndDeathsItHoldsTheTokensPointAndEveryWrite) {
  for (std::uint64_t round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    Filling t(9160 + round);
    t.create(256_KiB);
    os::sim::Rng rng(test_seed(9160 + round));
    for (std::uint64_t step = 0; step < 60; ++step) {
      int i = rng.coin() ? 1 : 2;
      Bytes at{rng.below(4096) * 1024};
      std::uint64_t length = std::min<std::uint64_t>((1 + rng.below(8)) * 512, (4_MiB).value - at.value);
      std::uint64_t what = rng.below(10);
      if (what < 5) t.write(i, 10'000 + step, at, length);
      else if (what < 6) t.discard(i, Bytes{at.value / 4096 * 4096}, Bytes{4096});
      else if (what < 9) must(t.read(i, Bytes{at.value / 512 * 512}, length));
      else t.world.run_for(milliseconds(rng.below(400)));
      if (rng.chance(60)) {
        must(t.flush());
        t.b.power_cut();
        t.b.start();
      }
      if (rng.chance(60)) {
        t.a.kill();
        t.a.start();
      }
      if (t.a.registry.relationships_.empty()) break;
    }
    if (!t.a.registry.relationships_.empty()) t.hurry();
    t.expect_end();
  }
}

}  // namespace
}  // namespace lockstep::replica
