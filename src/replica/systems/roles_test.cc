// Roles change hands at random, under faults. No answered write is ever gone: it is in the group, or in a
// snapshot that was kept of it; no end is ever between two states; and from wherever it got to, a
// relationship can be brought back to Synchronized.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;

constexpr std::uint64_t blocks = 32;
using State = std::vector<std::uint64_t>;

class Roles {
 public:
  explicit Roles(std::uint64_t seed) : pair(seed), rng_(pair.world.rng().named("roles")) {
    GroupId group = pair.a.make_group("db", 1, Bytes{blocks * 4096});
    Settings settings;
    settings.journal_budget = Bytes{256 << 10};
    id = pair.create(group, settings);
    EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      switch (rng_.below(20)) {
        case 0: pair.cut(); break;
        case 1:
        case 2: pair.heal(); break;
        case 3: restart(any()); break;
        case 4: pair.world.network().reset_connections(pair.a.host, pair.b.host); break;
        case 5: pair.world.run_for(std::chrono::milliseconds(rng_.below(5000))); break;
        case 6: look(pair.a); break;
        case 7: look(pair.b); break;
        case 8:
        case 9:
        case 10:
        case 11: operate(); break;
        default: write(any()); break;
      }
    }
    pair.heal();
    ASSERT_TRUE(level()) << note() << pair.a.report(id).cause << " | " << pair.b.report(id).cause;
    ASSERT_TRUE(
        pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; },
                             std::chrono::seconds(30)))
        << note();
    EXPECT_EQ(state_of(pair.a), state_of(pair.b)) << note();
    everything_is_somewhere();
  }

 private:
  TestSystem& any() { return rng_.coin() ? pair.a : pair.b; }
  std::string note() const {
    return "seed " + std::to_string(pair.world.seed()) + ", write " + std::to_string(last_) + ": ";
  }
  void say(const std::string& text) const {
    if (std::getenv("LOCKSTEP_STORY") == nullptr)
      return;  // NOLINT(concurrency-mt-unsafe): nobody here sets variables
    std::fprintf(stderr, "%8.3f %s\n", std::chrono::duration<double>(pair.world.now().since_start).count(),
                 text.c_str());
  }

  State state_of(TestSystem& system) {
    Buffer bytes = system.content("db-v1");
    State out;
    for (std::uint64_t b = 0; b < blocks; ++b) out.push_back(load_le<std::uint64_t>(bytes.data() + b * 4096));
    return out;
  }
  State replayed(std::uint64_t tag) const {
    State out(blocks, 0);
    for (std::uint64_t at = tag; at != 0; at = history_.at(at).first) {
      if (out[history_.at(at).second] == 0) out[history_.at(at).second] = at;
    }
    return out;
  }
  static std::uint64_t newest(const State& state) { return *std::max_element(state.begin(), state.end()); }

  void write(TestSystem& system) {
    auto role = system.group("db")->role;
    if (role != store::Role::source && role != store::Role::target_writable) return;
    State before = state_of(system);
    std::uint64_t parent = newest(before);
    EXPECT_EQ(before, replayed(parent)) << note() << system.self.name << " is between two states";
    std::uint64_t tag = ++last_;
    std::size_t at = rng_.below(blocks);
    history_[tag] = {parent, at};
    auto done = system.try_write("db-v1", tag, Bytes{at * 4096});
    say("write " + std::to_string(tag) + " on " + system.self.name +
        (done ? "" : ": " + done.error().message));
    if (done) answered_.insert(tag);
  }
  void look(TestSystem& system) {
    const store::GroupRow* group = system.group("db");
    if (group->resync || !group->was_synchronized) return;
    SnapshotId snapshot = must(system.on_pool(system.pool().snapshot(group->id, "look", "look")));
    if (!system.group("db")->resync) {
      State state = snapshot_state(system, snapshot);
      EXPECT_EQ(state, replayed(newest(state))) << note() << system.self.name << " is between two states";
    }
    must(system.on_pool(system.pool().delete_snapshot(snapshot)));
  }
  State snapshot_state(TestSystem& system, SnapshotId snapshot) {
    auto view = must(system.pool().open_snapshot(snapshot, 0));
    Buffer bytes(blocks * 4096);
    must(system.on_pool(view->read(Bytes{0}, bytes)));
    State out;
    for (std::uint64_t b = 0; b < blocks; ++b) out.push_back(load_le<std::uint64_t>(bytes.data() + b * 4096));
    return out;
  }

  void operate() {
    static constexpr Operation all[] = {
        Operation::failover,      Operation::failback,       Operation::reverse_roles,
        Operation::suspend,       Operation::resume,         Operation::split,
        Operation::fracture,      Operation::resync_replica, Operation::restore_from_replica,
        Operation::activate,      Operation::deactivate,     Operation::reset_to_sync,
        Operation::reset_to_async};
    TestSystem& system = any();
    Operation operation = all[rng_.below(std::size(all))];
    perform(system, operation);
  }
  bool perform(TestSystem& system, Operation operation) {
    Patient watcher;
    // Whoever waits has no patience for ever: a link that is cut does not heal by itself here.
    rt::Loop::TimerId timer = system.host.loop().at(
        system.host.loop().clock().now() + std::chrono::seconds(40), [&] { watcher.stop().request(); });
    say(std::string(name_of(operation)) + " on " + system.self.name + ", states " + states());
    auto done = pair.world.run(system.host.loop(), system.engine->operate(id, operation, watcher),
                               std::chrono::minutes(60));
    system.host.loop().cancel(timer);
    say(done ? "  done, states " + states() : "  refused: " + done.error().message);
    return done.has_value();
  }
  std::string states() {
    Report a = pair.a.report(id), b = pair.b.report(id);
    return std::string(name_of(a.copy_state)) + (a.relationship.end == End::source ? "(s) " : "(t) ") +
           std::string(name_of(b.copy_state)) + (b.relationship.end == End::source ? "(s)" : "(t)");
  }

  void restart(TestSystem& system) {
    say("restart " + system.self.name);
    system.kill();
    if (rng_.coin()) pair.world.run_for(std::chrono::milliseconds(rng_.below(4000)));
    system.start();
    pair.world.run_for(std::chrono::seconds(4));
  }

  // What an administrator would do who wants it back.
  bool level() {
    for (int tries = 0; tries < 12; ++tries) {
      pair.world.run_for(std::chrono::seconds(8));
      Report a = pair.a.report(id), b = pair.b.report(id);
      bool source_is_a = a.relationship.end == End::source;
      const Report& source = source_is_a ? a : b;
      TestSystem& system = source_is_a ? pair.a : pair.b;
      say("level: states " + states() + " " + source.cause);
      if (a.copy_state == CopyState::synchronized && b.copy_state == CopyState::synchronized) return true;
      switch (source.copy_state) {
        case CopyState::failedover: ignore(perform(system, Operation::failback), "looked at again"); break;
        case CopyState::suspended: ignore(perform(system, Operation::resume), "looked at again"); break;
        case CopyState::inactive: ignore(perform(system, Operation::activate), "looked at again"); break;
        case CopyState::split:
        case CopyState::fractured:
        case CopyState::broken: ignore(perform(system, Operation::resync_replica), "looked at again"); break;
        default: break;
      }
    }
    return false;
  }

  void everything_is_somewhere() {
    std::set<std::uint64_t> found;
    auto add = [&](const State& state) {
      for (std::uint64_t at = newest(state); at != 0; at = history_.at(at).first) found.insert(at);
    };
    for (TestSystem* system : {&pair.a, &pair.b}) {
      add(state_of(*system));
      std::vector<SnapshotId> kept;
      for (const auto& [snapshot, row] : system->pool().catalog().snapshots) {
        if (!row.hidden) kept.push_back(snapshot);
      }
      for (SnapshotId snapshot : kept) {
        State state = snapshot_state(*system, snapshot);
        EXPECT_EQ(state, replayed(newest(state))) << note() << "a kept snapshot is between two states";
        add(state);
      }
    }
    for (std::uint64_t tag : answered_)
      EXPECT_TRUE(found.contains(tag)) << note() << "write " << tag << " is nowhere";
  }

  Pair pair;
  RelationshipId id;
  os::sim::Rng rng_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::size_t>> history_;  // parent, block
  std::set<std::uint64_t> answered_;
};

TEST(Roles, NothingAnsweredIsGoneAndAllEndsWell) {
  const char* given = std::getenv(
      "LOCKSTEP_ROLES");  // FIRST:COUNT. NOLINT(concurrency-mt-unsafe): nobody here sets variables
  unsigned long first = 0, count = 4;
  if (given != nullptr) {
    char* end = nullptr;
    first = std::strtoul(given, &end, 0);
    count = *end == ':' ? std::strtoul(end + 1, nullptr, 0) : 1;
  }
  for (unsigned long seed = first; seed < first + count && !HasFailure(); ++seed) {
    Roles roles(9000 + seed);
    roles.run(60);
  }
}

}  // namespace
}  // namespace lockstep::replica
