#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manage/manage_testing.h"

namespace lockstep::manage {
namespace {

using ::testing::ElementsAre;
using testing::TestSystem;

std::vector<std::uint64_t> numbers(TestSystem& t) {
  std::vector<std::uint64_t> out;
  for (const Event& event : t.system->events(0, 1000)) out.push_back(event.number);
  return out;
}

TEST(Events, EachChangeIsToldOnceAndNoOpsAreNot) {
  TestSystem t;
  t.start();
  t.make_objects();
  TestSystem::ok(t.run(t.system->resize_volume(TestSystem::admin(), "p/data", 8_MiB)));   // as it is
  TestSystem::ok(t.run(t.system->rename_group(TestSystem::admin(), "db", "db")));
  t.pass(std::chrono::seconds(1));
  EXPECT_THAT(t.event_lines(), ElementsAre("Started System a", "Created Pool p", "Created Volume p/data", "Created Volume p/log", "Created Group p/db"));
}

TEST(Events, NumbersGoOnWithoutAGapOverARestart) {
  TestSystem t;
  t.start();
  t.make_objects();
  t.restart();
  t.pass(std::chrono::seconds(1));
  std::vector<std::uint64_t> found = numbers(t);
  ASSERT_EQ(found.size(), 6u);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], i + 1);
}

TEST(Events, ThoseThatWereShownSurviveTheDeathOfTheProcess) {
  TestSystem t;
  t.start();
  t.make_objects();
  t.pass(std::chrono::seconds(1));
  std::vector<std::string> shown = t.event_lines();
  t.host.kill();
  t.host.finish(t.system->stop());
  t.system.reset();
  t.host.restart();
  t.start();
  std::vector<std::string> kept = t.event_lines();
  ASSERT_GE(kept.size(), shown.size());
  kept.resize(shown.size());
  EXPECT_EQ(kept, shown);
}

TEST(Events, TheOldestGoAndTheOthersKeepTheirNumbers) {
  TestSystem t;
  t.options.events_kept = 3;
  t.start();
  t.make_objects();
  t.pass(std::chrono::seconds(1));
  EXPECT_THAT(numbers(t), ElementsAre(3u, 4u, 5u));
  t.restart();
  t.pass(std::chrono::seconds(1));
  EXPECT_THAT(numbers(t), ElementsAre(4u, 5u, 6u));
}

TEST(Events, WhoWaitsIsWokenByTheNextOne) {
  TestSystem t;
  t.start();
  t.pass(std::chrono::seconds(1));
  Instant before = t.world.now();
  auto waiting = t.world.start(t.host.loop(), t.system->wait_events(t.system->last_event(), std::chrono::seconds(60)));
  t.pass(std::chrono::seconds(1));
  EXPECT_FALSE(waiting->has_value());
  t.make_objects();
  ASSERT_TRUE(t.world.run_until([&] { return waiting->has_value(); }, std::chrono::seconds(5)));
  EXPECT_FALSE((*waiting)->empty());
  EXPECT_LT(t.world.now() - before, std::chrono::seconds(30));
}

TEST(Events, WaitingEndsAtItsTimeAndWhenFrontEndsStop) {
  TestSystem t;
  t.start();
  t.pass(std::chrono::seconds(1));
  EXPECT_TRUE(t.run(t.system->wait_events(t.system->last_event(), std::chrono::seconds(2))).empty());
  auto waiting = t.world.start(t.host.loop(), t.system->wait_events(t.system->last_event(), std::chrono::hours(1)));
  t.pass(std::chrono::seconds(1));
  t.system->end_waits();
  t.pass(std::chrono::seconds(1));
  EXPECT_TRUE(waiting->has_value());
}

TEST(Events, WhatTheEngineTellsHasObjectAndSeverity) {
  TestSystem t;
  t.start();
  t.make_objects();
  TestSystem::ok(t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror("r"))));
  t.pass(std::chrono::seconds(2));
  std::uint64_t before = t.system->last_event();
  RelationshipId id = t.engine->of("r").relationship.id;
  t.engine->set_state("r", replica::CopyState::broken, "the link is down");
  t.engine->tell({id, "Lag", "within RPO", "over RPO", ""});
  t.engine->tell({RelationshipId{}, "Peer", "b: reachable", "b: unreachable", "gone"});
  t.pass(std::chrono::seconds(1));
  std::vector<Event> events = t.system->events(before, 10);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].object, "r");
  EXPECT_EQ(events[0].severity, Severity::critical);
  EXPECT_EQ(events[0].cause, "the link is down");
  EXPECT_EQ(events[1].severity, Severity::warning);
  EXPECT_EQ(events[2].object_type, "Peer");
  EXPECT_EQ(events[2].object, "b");
  EXPECT_EQ(events[2].after, "unreachable");
  EXPECT_EQ(events[2].severity, Severity::warning);
}

TEST(Events, RelationshipsThatComeAndGoAreToldWhoeverMadeThem) {
  TestSystem t;
  t.start();
  t.make_objects();
  TestSystem::ok(t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror("r"))));
  t.pass(std::chrono::seconds(2));
  t.engine->set_gone("r");   // by the other side
  t.pass(std::chrono::seconds(2));
  std::vector<std::string> lines = t.event_lines();
  EXPECT_EQ(std::ranges::count(lines, "Created Relationship r"), 1);
  EXPECT_EQ(std::ranges::count(lines, "Deleted Relationship r"), 1);
}

}  // namespace
}  // namespace lockstep::manage
