// For tests: a relationship of any type, brought to any CopyState that one can rest in, and what is to be seen of it there.
#pragma once

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica::testing {

struct Place {
  SyncType type;
  bool near;  // both ends in one pool
  CopyState state;
  bool first = false;  // of a mirror: its first copy has not ended
};

inline std::string name_of(const Place& place) {
  return std::string(name_of(place.type)) + (place.near ? "InOnePool" : "") + std::string(name_of(place.state)) + (place.first ? "DuringTheFirstCopy" : "");
}

// Where a relationship can rest.
inline std::vector<Place> places() {
  std::vector<Place> out;
  using enum CopyState;
  for (CopyState s : {unsynchronized, synchronized, broken, fractured, split, inactive, suspended, failedover, prepared, aborted})
    out.push_back({SyncType::mirror, false, s});
  for (CopyState s : {unsynchronized, broken, inactive, suspended, prepared, aborted}) out.push_back({SyncType::mirror, false, s, true});
  for (CopyState s : {synchronized, fractured, inactive, prepared, aborted, skewed}) out.push_back({SyncType::snapshot, true, s});
  for (CopyState s : {unsynchronized, synchronized, broken, fractured, inactive, prepared, aborted}) out.push_back({SyncType::snapshot, false, s});
  for (CopyState s : {unsynchronized, broken, inactive, suspended, prepared, aborted}) out.push_back({SyncType::clone, false, s});
  for (CopyState s : {unsynchronized, broken, aborted}) out.push_back({SyncType::tokenized_clone, false, s});
  return out;
}

[[nodiscard]] inline bool acts(const Cell& cell) {
  return cell.kind == Cell::Kind::leads || cell.kind == Cell::Kind::copies || cell.kind == Cell::Kind::gone;
}

class Stage {
 public:
  static constexpr std::uint64_t size = 512 << 10;   // of each volume
  static constexpr Bytes slow = Bytes{64 << 10};     // a second: a copy takes long enough to be caught in the middle

  Stage(Place at, unsigned pairs)
      : place(at),
        world(test_seed(static_cast<std::uint64_t>(at.type) * 100 + static_cast<std::uint64_t>(at.state) + pairs * 10000)),
        a(world, "a", {"p"}, pool::testing::small_options(), patient_options()),
        b(world, "b", {"p"}, pool::testing::small_options(), patient_options()),
        pairs_(pairs) {
    std::string token = must(a.engine->invite(std::chrono::minutes(5), {a.listening}));
    must(b.run(b.engine->join(token, {b.listening})));
    group = a.make_group("db", pairs, Bytes{size});
    fill(1);
    bool copying = place.type == SyncType::mirror ? place.first : !place.near && !after_completion();
    create(copying);
    bring();
  }

  [[nodiscard]] std::string story(Operation operation) const {
    return std::string(name_of(operation)) + " of a " + std::string(name_of(place.type)) + (place.near ? " in one pool" : "") + " that is " +
           std::string(name_of(place.state)) + (place.first ? " during its first copy" : "");
  }
  TestSystem& holder() { return place.near ? a : b; }   // of the target
  void heal() { world.network().heal(a.host, b.host); }
  [[nodiscard]] static std::string source_volume(unsigned i) { return "db-v" + std::to_string(i + 1); }
  std::string target_volume(unsigned i = 0) {
    const store::GroupRow* row = holder().group("copy");
    CHECK(row != nullptr && i < row->members.size());
    return holder().pool().catalog().volumes.at(row->members.at(i)).name;
  }

  // What hosts may do with a volume is tried out.
  void expect_access(TestSystem& system, const std::string& volume, Access expected, CopyState state) {
    bool writes = system.try_write(volume, 5, Bytes{0}).has_value();
    EXPECT_EQ(writes, expected == Access::read_write) << "hosts writing to " << system.self.name << "/" << volume << " in " << name_of(state);
    pool::VolumeRef opened = system.volume(volume);
    bool reads = !opened->closed().has_value();
    EXPECT_EQ(reads, expected != Access::none) << "hosts reading " << system.self.name << "/" << volume << " in " << name_of(state);
  }
  // Of both ends of all pairs that the relationship has. `reversed`: source and target have changed places.
  void expect_access(CopyState state, bool reversed = false) {
    TestSystem& target = reversed ? a : holder();
    TestSystem& source = reversed ? b : a;
    const char* target_group = reversed ? "db" : "copy";
    const char* source_group = reversed ? "copy" : "db";
    bool holds = target.group(target_group)->was_synchronized;  // a copy that went on while the operation began may have ended
    Access there = target_access(place.type, state, holds);
    bool follows = place.type == SyncType::mirror && state == CopyState::unsynchronized && !target.group(target_group)->resync;
    if (follows && holds) there = Access::read;   // one state all the time
    Access here = state == CopyState::failedover ? Access::read : Access::read_write;
    for (const std::string& volume : members(target, target_group)) expect_access(target, volume, there, state);
    for (const std::string& volume : members(source, source_group)) expect_access(source, volume, here, state);
  }
  static std::vector<std::string> members(TestSystem& system, const std::string& name) {
    std::vector<std::string> out;
    for (VolumeId id : system.group(name)->members) out.push_back(system.pool().catalog().volumes.at(id).name);
    return out;
  }

  const Place place;
  os::sim::World world;
  TestSystem a, b;
  GroupId group;
  RelationshipId id;
  bool whole = false;   // the target holds a state of its source

 private:
  static Options patient_options() {
    Options o = quick_options();
    o.batch = Bytes{32 << 10};
    return o;
  }
  [[nodiscard]] bool after_completion() const {
    return place.state == CopyState::synchronized || place.state == CopyState::fractured || place.state == CopyState::skewed ||
           (place.type == SyncType::snapshot && (place.state == CopyState::inactive || place.state == CopyState::prepared));
  }
  void fill(std::uint64_t tag) {
    for (unsigned i = 0; i < pairs_; ++i)
      for (std::uint64_t at = 0; at < size; at += 64 << 10) a.write(source_volume(i), tag + at, Bytes{at}, 64 << 10);
  }
  void create(bool slowly) {
    CreateRequest request;
    request.name = "r";
    request.sync_type = place.type;
    if (place.type != SyncType::mirror) {
      request.settings.mode = Mode::synchronous;
      request.settings.rpo_seconds = 0;
    }
    if (slowly) request.settings.limit_per_second = slow;
    request.pool = a.pool().id();
    request.group = group;
    request.target_system = place.near ? a.self.id : b.self.id;
    request.target_group = "copy";
    id = must(a.run(a.engine->create(request)));
  }
  void arrive(CopyState state) { ASSERT_TRUE(a.reaches(id, state)) << name_of(a.report(id).copy_state) << a.report(id).cause; }
  void go(Operation operation) { must(a.operate(id, operation)); }
  void limit(Bytes rate) {
    Settings settings = a.report(id).relationship.settings;
    settings.limit_per_second = rate;
    must(a.run(a.engine->set(id, settings)));
  }

  void bring() {
    if (place.first) return bring_first();
    if (place.type == SyncType::mirror) return bring_mirror();
    if (place.near || after_completion()) {
      arrive(CopyState::synchronized);
      whole = true;
    }
    switch (place.state) {
      case CopyState::synchronized: break;
      case CopyState::unsynchronized: arrive(CopyState::unsynchronized); break;
      case CopyState::broken:
        arrive(CopyState::unsynchronized);
        world.network().partition(a.host, b.host);
        arrive(CopyState::broken);
        break;
      case CopyState::fractured: go(Operation::fracture); break;
      case CopyState::inactive: go(Operation::deactivate); break;
      case CopyState::prepared: go(Operation::prepare); break;
      case CopyState::suspended:
        arrive(CopyState::unsynchronized);
        go(Operation::suspend);
        break;
      case CopyState::aborted:
        if (place.near) go(Operation::prepare);
        go(Operation::abort);
        break;
      case CopyState::skewed:
        holder().write(target_volume(), 77, Bytes{4096});
        ASSERT_TRUE(holder().reaches(id, CopyState::skewed));
        break;
      default: FAIL() << "nobody rests there";
    }
    limit(Bytes{0});
    if (place.state == CopyState::unsynchronized) limit(slow);
  }
  void bring_first() {
    arrive(CopyState::unsynchronized);
    switch (place.state) {
      case CopyState::unsynchronized: return;
      case CopyState::broken:
        world.network().partition(a.host, b.host);
        arrive(CopyState::broken);
        break;
      case CopyState::inactive: go(Operation::deactivate); break;
      case CopyState::suspended: go(Operation::suspend); break;
      case CopyState::prepared: go(Operation::prepare); break;
      case CopyState::aborted: go(Operation::abort); break;
      default: FAIL() << "nobody rests there";
    }
    limit(Bytes{0});
  }
  void bring_mirror() {
    arrive(CopyState::synchronized);
    whole = true;
    switch (place.state) {
      case CopyState::synchronized: break;
      case CopyState::unsynchronized:
      case CopyState::aborted:
        go(Operation::suspend);
        fill(7);
        limit(slow);
        resume_unwatched();
        arrive(CopyState::unsynchronized);
        if (place.state == CopyState::aborted) {
          go(Operation::abort);
          limit(Bytes{0});
        }
        break;
      case CopyState::broken:
        world.network().partition(a.host, b.host);
        arrive(CopyState::broken);
        break;
      case CopyState::fractured: go(Operation::fracture); break;
      case CopyState::split: go(Operation::split); break;
      case CopyState::inactive: go(Operation::deactivate); break;
      case CopyState::suspended: go(Operation::suspend); break;
      case CopyState::failedover: go(Operation::failover); break;
      case CopyState::prepared: go(Operation::prepare); break;
      default: FAIL() << "nobody rests there";
    }
  }
  void resume_unwatched() {
    Patient watcher;
    watcher.stop().request();
    Result<> begun = world.run(a.host.loop(), a.engine->operate(id, Operation::resume, watcher));
    EXPECT_TRUE(!begun && begun.error().code == Code::cancelled);
  }

  unsigned pairs_;
};

// What everybody who is refused must be told: whose operation it was, which one, who refuses it, and what to do instead.
inline void expect_refusal(const Result<>& done, Code code, SyncType type, CopyState state, Operation operation) {
  ASSERT_FALSE(done.has_value()) << "it was not refused";
  const std::string& message = done.error().message;
  EXPECT_EQ(done.error().code, code) << message;
  EXPECT_THAT(message, ::testing::StartsWith("relationship 'r': " + std::string(name_of(operation))));
  bool known = code == Code::busy;   // the type does, and in this state it is refused
  EXPECT_THAT(message, ::testing::HasSubstr(known ? " is refused while the CopyState is " : " is not offered for "));
  EXPECT_THAT(message, ::testing::HasSubstr(std::string(known ? name_of(state) : name_of(type))));
  std::size_t at = message.rfind("; ");
  ASSERT_NE(at, std::string::npos) << "what is to be done instead is not said: " << message;
  std::string instead = message.substr(at + 2);
  bool names_one = instead.starts_with("ask it of the group");
  for (Operation way : operations_of(type)) {
    bool open = !known || check(type, way, state, true).has_value();
    names_one = names_one || (open && instead.find(name_of(way)) != std::string::npos);
  }
  EXPECT_TRUE(names_one) << "it names nothing that would be accepted: " << message;
}

}  // namespace lockstep::replica::testing
