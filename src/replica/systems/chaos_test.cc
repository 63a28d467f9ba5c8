// Two systems under faults that the seed picks. At every look, the target (or its stand-in) is the source at
// one position: a prefix of what was written, across all volumes. In the end both are equal and nothing is
// left over.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;

constexpr std::uint64_t blocks = 64;  // of each volume
constexpr unsigned volumes = 2;
using State = std::vector<std::uint64_t>;  // a tag for each block of each volume

struct Write {
  std::uint64_t parent = 0;  // the write before it in the history that it belongs to
  std::size_t at = 0;
  std::uint64_t count = 1;
};

class Chaos {
 public:
  Chaos(std::uint64_t seed, bool sync)
      : pair(seed, small()), rng_(pair.world.rng().named("chaos")), sync_(sync) {
    GroupId group = pair.a.make_group("db", volumes, Bytes{blocks * 4096});
    Settings settings = sync ? synchronous() : Settings{};
    settings.journal_budget = Bytes{256 << 10};
    id = pair.create(group, settings);
  }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      std::uint64_t what = rng_.below(24);
      say("step " + std::to_string(what));
      switch (what) {
        case 0: cut(); break;
        case 1: heal(); break;
        case 2: restart(pair.a, false); break;
        case 3: restart(pair.b, false); break;
        case 4: restart(pair.a, true); break;
        case 5: restart(pair.b, true); break;
        case 6: must(pair.a.on_pool(pair.a.pool().checkpoint())); break;
        case 7: must(pair.b.on_pool(pair.b.pool().checkpoint())); break;
        case 8: pair.world.network().reset_connections(pair.a.host, pair.b.host); break;
        case 9: pair.world.run_for(std::chrono::milliseconds(rng_.below(5000))); break;
        case 10: burst(); break;
        case 11:
        case 12: look(); break;
        default: write(); break;
      }
    }
    heal();
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << note() << pair.a.report(id).cause;
    write();
    ASSERT_TRUE(
        pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; },
                             std::chrono::seconds(30)))
        << note();
    EXPECT_EQ(state_of(pair.a), state_of(pair.b)) << note();
    pair.world.run_for(std::chrono::seconds(5));
    EXPECT_EQ(pair.a.internal_snapshots(), 0U) << note();
    EXPECT_EQ(pair.b.internal_snapshots(), 0U) << note();
  }

  Pair pair;
  RelationshipId id;

 private:
  static pool::Options small() {
    pool::Options o = pool::testing::small_options();
    o.journal.segment_size = Bytes{256 << 10};
    return o;
  }
  std::string note() const {
    return "seed " + std::to_string(pair.world.seed()) + ", write " + std::to_string(last_) + ": ";
  }

  void say(const std::string& text) const {
    if (std::getenv("LOCKSTEP_STORY") == nullptr) return;   // NOLINT(concurrency-mt-unsafe): nobody here sets variables
    std::fprintf(stderr, "%8.3f %s\n", std::chrono::duration<double>(pair.world.now().since_start).count(), text.c_str());
  }

  static std::string volume(std::size_t at) { return "db-v" + std::to_string(at / blocks + 1); }
  State state_of(TestSystem& system) {
    State out;
    for (std::size_t v = 0; v < volumes; ++v) {
      Buffer bytes = system.content(volume(v * blocks));
      for (std::uint64_t b = 0; b < blocks; ++b)
        out.push_back(load_le<std::uint64_t>(bytes.data() + b * 4096));
    }
    return out;
  }
  State replayed(std::uint64_t tag) const {
    State out(blocks * volumes, 0);
    for (std::uint64_t at = tag; at != 0; at = history_.at(at).parent) {
      const Write& w = history_.at(at);
      for (std::uint64_t i = 0; i < w.count; ++i) {
        if (out[w.at + i] == 0) out[w.at + i] = at;
      }
    }
    return out;
  }
  void must_be_a_prefix(const State& state, const char* whose) {
    std::uint64_t newest = *std::max_element(state.begin(), state.end());
    EXPECT_EQ(state, replayed(newest)) << note() << whose << " is not the source at any write";
  }

  void write() {
    std::size_t v = rng_.below(volumes);
    std::uint64_t count =
        rng_.below(8) == 0 ? 1 + rng_.below(24) : 1;  // now and then one that goes past the journal
    std::size_t at = v * blocks + rng_.below(blocks - count + 1);
    if (uncertain_) {
      State now = state_of(pair.a);
      last_on_a_ = *std::max_element(now.begin(), now.end());
      must_be_a_prefix(now, "the source");
      uncertain_ = false;
    }
    std::uint64_t tag = ++last_;
    say("write " + std::to_string(tag) + " at " + std::to_string(at) + "+" + std::to_string(count));
    history_[tag] = {last_on_a_, at, count};
    bool protected_before = sync_ && pair.a.report(id).copy_state == CopyState::synchronized;
    auto done = pair.a.try_write(volume(at), tag, Bytes{at % blocks * 4096}, count * 4096);
    ASSERT_TRUE(done.has_value()) << note() << done.error().message;
    last_on_a_ = tag;
    if (protected_before && pair.a.report(id).copy_state == CopyState::synchronized) promised_ = tag;
  }
  void burst() {
    std::uint64_t n = 20 + rng_.below(150);
    for (std::uint64_t i = 0; i < n && !::testing::Test::HasFailure(); ++i) write();
  }

  // As a user would see the target at this instant: a snapshot is one LSN.
  void look() {
    const store::GroupRow* group = pair.b.group("db");
    if (!group->was_synchronized) return;
    State state;
    std::optional<SnapshotId> own;
    SnapshotId snapshot = group->resync ? group->resync->stand_in : SnapshotId{};
    if (!group->resync) {
      own = must(pair.b.on_pool(pair.b.pool().snapshot(group->id, "look", "look")));
      snapshot = *own;
      if (pair.b.group("db")->resync) {  // a pass has begun since: what was taken may be in between
        must(pair.b.on_pool(pair.b.pool().delete_snapshot(snapshot)));
        return;
      }
    }
    for (std::size_t v = 0; v < volumes; ++v) {
      auto view = pair.b.pool().open_snapshot(snapshot, v);
      if (!view) return;  // the stand-in has just gone
      for (std::uint64_t b = 0; b < blocks; ++b) {
        Buffer bytes(512);
        must(pair.b.on_pool((*view)->read(Bytes{b * 4096}, bytes)));
        state.push_back(load_le<std::uint64_t>(bytes.data()));
      }
    }
    must_be_a_prefix(state, "the target");
    if (own) must(pair.b.on_pool(pair.b.pool().delete_snapshot(*own)));
  }

  void cut() {
    pair.cut();
    cut_ = true;
  }
  void heal() {
    pair.heal();
    cut_ = false;
  }
  void restart(TestSystem& system, bool power) {
    bool was_source = &system == &pair.a;
    if (power) {
      system.power_cut(os::sim::Tear::any);
    } else {
      system.kill();
    }
    if (rng_.coin()) pair.world.run_for(std::chrono::milliseconds(rng_.below(4000)));
    system.start();
    if (!was_source) {
      if (power) promised_ = 0;  // received is not durable: a second loss of power may take it
      return;
    }
    // It looks for its target before it serves; after that nothing comes back by itself.
    pair.world.run_for(std::chrono::seconds(4));
    uncertain_ = true;
    if (sync_ && !cut_ && promised_ > 0) {
      bool level = pair.a.reaches(id, CopyState::synchronized, std::chrono::seconds(60));
      State now = state_of(pair.a);
      std::uint64_t newest = *std::max_element(now.begin(), now.end());
      EXPECT_TRUE(!level || contains(newest, promised_))
          << note() << "write " << promised_ << " was promised and is lost";
    }
    if (cut_) promised_ = 0;
  }
  bool contains(std::uint64_t tag, std::uint64_t wanted) const {
    for (; tag != 0; tag = history_.at(tag).parent) {
      if (tag == wanted) return true;
    }
    return false;
  }

  os::sim::Rng rng_;
  bool sync_;
  bool cut_ = false;
  bool uncertain_ = false;
  std::uint64_t last_ = 0;
  std::uint64_t last_on_a_ = 0;
  std::uint64_t promised_ = 0;
  std::map<std::uint64_t, Write> history_;
};

// LOCKSTEP_CHAOS=FIRST:COUNT runs others than the usual few.
std::pair<unsigned long, unsigned long> seeds() {
  const char* given =
      std::getenv("LOCKSTEP_CHAOS");  // NOLINT(concurrency-mt-unsafe): nobody here sets variables
  if (given == nullptr) return {0, 4};
  char* end = nullptr;
  unsigned long first = std::strtoul(given, &end, 0);
  return {first, *end == ':' ? std::strtoul(end + 1, nullptr, 0) : 1};
}

TEST(Chaos, AsynchronousTargetIsAlwaysAPrefixAndLevelsWhenFaultsEnd) {
  auto [first, count] = seeds();
  for (unsigned long seed = first; seed < first + count && !HasFailure(); ++seed) {
    Chaos chaos(1000 + seed, false);
    chaos.run(120);
  }
}

TEST(Chaos, SynchronousTargetIsAlwaysAPrefixAndKeepsWhatWasPromised) {
  auto [first, count] = seeds();
  for (unsigned long seed = first; seed < first + count && !HasFailure(); ++seed) {
    Chaos chaos(5000 + seed, true);
    chaos.run(120);
  }
}

}  // namespace
}  // namespace lockstep::replica
