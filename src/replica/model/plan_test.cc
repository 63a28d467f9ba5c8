#include "replica/model/plan.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>

namespace lockstep::replica {
namespace {

Generation generation(char name) {
  Generation g;
  for (auto& b : g.bytes) b = static_cast<std::byte>(name == 0 ? 1 : (name - 'a' + 10) * 17);
  return g;
}

Origin origin(const std::string& text) { return {generation(text[0]), Lsn{std::stoull(text.substr(2))}}; }

// "a:10 b:25", or "-".
Past past(const std::string& text) {
  Past out;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    if (word == "-") break;
    out.history.push_back({generation(word[0]), out.position});
    out.position = origin(word);
  }
  return out;
}

struct Case {
  std::string source, target;
  Memory memory = Memory::journal;
  store::Role source_role = store::Role::source;
  store::Role target_role = store::Role::target;
  bool choose_source = false;
  bool tells_changes = true;
  bool source_wrote = true;
  std::string pass_here, pass_there;
  bool pass_compares = false;
  bool fresh = true;
};

std::string planned(const Case& c) {
  SourceSide source;
  source.past = past(c.source);
  source.role = c.source_role;
  source.memory = c.memory;
  source.wrote_after_common = c.source_wrote;
  if (!c.pass_here.empty()) source.pass_open = origin(c.pass_here);
  source.pass_compares = c.pass_compares;
  TargetSide target;
  target.past = past(c.target);
  target.role = c.target_role;
  target.holds_nothing = c.target == "-";
  target.fresh = c.fresh;
  target.tells_changes = c.tells_changes;
  if (!c.pass_there.empty()) target.pass_open = origin(c.pass_there);
  return text_of(make_plan(source, target, c.choose_source));
}

TEST(Plan, TargetBehindIsStreamedTo) {
  EXPECT_EQ(planned({.source = "a:10", .target = "a:7"}), "stream from aaaaaaaa:7");
  EXPECT_EQ(planned({.source = "a:10", .target = "a:10"}), "stream from aaaaaaaa:10");
  EXPECT_EQ(planned({.source = "a:10 b:25", .target = "a:10"}), "stream from aaaaaaaa:10");
  EXPECT_EQ(planned({.source = "a:10 b:25 c:30", .target = "a:4"}), "stream from aaaaaaaa:4");
}
TEST(Plan, JournalGoneMeansOnlyWhatChanged) {
  EXPECT_EQ(planned({.source = "a:10", .target = "a:7", .memory = Memory::map}),
            "resync with change map from aaaaaaaa:7");
}
TEST(Plan, MemoryGoneMeansCompareNeverASilentFullCopy) {
  EXPECT_EQ(planned({.source = "a:10", .target = "a:7", .memory = Memory::nothing}),
            "compare after aaaaaaaa:7");
}
TEST(Plan, OnlyAnEmptyTargetIsCopiedInFull) {
  EXPECT_EQ(planned({.source = "a:10", .target = "-"}), "full copy to a new target");
  EXPECT_EQ(planned({.source = "-", .target = "-"}), "full copy to a new target");
  EXPECT_EQ(planned({.source = "a:10", .target = "b:3", .memory = Memory::nothing}), "unrelated");
  EXPECT_EQ(planned({.source = "a:10", .target = "b:3", .choose_source = true}),
            "compare, keeping what only the target has");
}
TEST(Plan, ATargetThatWasFilledInAnotherWayIsComparedNotCopied) {
  EXPECT_EQ(planned({.source = "a:10", .target = "-", .fresh = false}), "compare");
  EXPECT_EQ(planned({.source = "a:30", .target = "-", .pass_there = "a:25", .fresh = false}), "compare");
  EXPECT_EQ(planned({.source = "a:30", .target = "-", .pass_here = "a:25", .pass_there = "a:25", .fresh = false}),
            "resume the pass to aaaaaaaa:25");
}
TEST(Plan, DivergenceNamesTheLastCommonPoint) {
  EXPECT_EQ(planned({.source = "a:10 c:20", .target = "a:10 b:12"}), "diverged after aaaaaaaa:10");
  EXPECT_EQ(planned({.source = "a:10 c:20", .target = "a:15"}), "diverged after aaaaaaaa:10");
  EXPECT_EQ(planned({.source = "a:10 c:20", .target = "a:8 b:12"}), "diverged after aaaaaaaa:8");
}
TEST(Plan, TargetAheadOfASourceThatLostPowerIsNotOverwritten) {
  EXPECT_EQ(planned({.source = "a:10", .target = "a:15", .source_wrote = false}),
            "target ahead after aaaaaaaa:10");
  EXPECT_EQ(planned({.source = "a:10 b:11", .target = "a:15", .source_wrote = false}),
            "target ahead after aaaaaaaa:10");
}
TEST(Plan, TargetAheadInAGenerationThatTheSourceBeganAndLostIsStillTheSourcesOwn) {
  // The source began b, durably, and lost every record of it; it has begun c since.
  SourceSide source;
  source.past = past("a:10");
  source.past.history.push_back({generation('b'), origin("a:10")});
  source.past.history.push_back({generation('c'), origin("a:10")});
  source.wrote_after_common = false;
  TargetSide target;
  target.past = past("a:10 b:12");
  EXPECT_EQ(text_of(make_plan(source, target, false)), "target ahead after aaaaaaaa:10");
  target.past = past("a:10 d:12");  // begun elsewhere
  EXPECT_EQ(text_of(make_plan(source, target, false)), "diverged after aaaaaaaa:10");
}
TEST(Plan, ChosenSourceTakesTheUnionOfBothSidesChanges) {
  Case c{.source = "a:10 c:20", .target = "a:15", .choose_source = true};
  EXPECT_EQ(planned(c),
            "resync with change maps of both ends from aaaaaaaa:10, keeping what only the target has");
  c.tells_changes = false;
  EXPECT_EQ(planned(c), "compare after aaaaaaaa:10, keeping what only the target has");
  c.tells_changes = true;
  c.memory = Memory::nothing;
  EXPECT_EQ(planned(c), "compare after aaaaaaaa:10, keeping what only the target has");
}
TEST(Plan, MapThatBeganLaterThanTheCommonPointIsNotBelieved) {
  SourceSide source;
  source.past = past("a:10 c:20");
  source.memory = Memory::journal;
  source.map_covers = false;
  TargetSide target;
  target.past = past("a:10 b:12");
  target.tells_changes = true;
  EXPECT_EQ(text_of(make_plan(source, target, true)),
            "compare after aaaaaaaa:10, keeping what only the target has");
  target.past = past("a:10");
  EXPECT_EQ(text_of(make_plan(source, target, true)), "stream from aaaaaaaa:10");
}
TEST(History, OrderOfTwoPositionsIsTheirOrderOnTheWay) {
  Past p = past("a:10 b:25 c:30");
  EXPECT_TRUE(not_before(p, origin("b:3"), origin("a:9")));
  EXPECT_TRUE(not_before(p, origin("b:3"), origin("b:3")));
  EXPECT_FALSE(not_before(p, origin("b:3"), origin("b:4")));
  EXPECT_FALSE(not_before(p, origin("a:3"), origin("b:1")));
  EXPECT_FALSE(not_before(p, origin("a:11"), origin("a:1")));
  EXPECT_FALSE(not_before(p, origin("c:1"), origin("d:1")));
}
TEST(Plan, TwoWritableEndsAreAConflictUntilSomebodyChooses) {
  Case c{.source = "a:20", .target = "a:10 b:12", .target_role = store::Role::target_writable};
  EXPECT_EQ(planned(c), "two writable ends after aaaaaaaa:10");
  c.source_role = store::Role::demoted;
  EXPECT_EQ(planned(c), "taken over after aaaaaaaa:10");
  c.source_role = store::Role::source;
  c.source_wrote = false;
  EXPECT_EQ(planned(c), "taken over after aaaaaaaa:10");
  c.choose_source = true;
  c.source_wrote = true;
  EXPECT_EQ(planned(c),
            "resync with change maps of both ends from aaaaaaaa:10, keeping what only the target has");
}
TEST(Plan, SplitTargetThatNobodyWroteToIsStreamedToAgain) {
  EXPECT_EQ(planned({.source = "a:20",
                     .target = "a:10",
                     .target_role = store::Role::target_writable,
                     .choose_source = true}),
            "stream from aaaaaaaa:10");
}
TEST(Plan, PassGoesOnWhereTheSourceStillHoldsIt) {
  Case c{
      .source = "a:30", .target = "a:10", .memory = Memory::map, .pass_here = "a:25", .pass_there = "a:25"};
  EXPECT_EQ(planned(c), "resume the pass to aaaaaaaa:25");
  c.pass_here = "";
  EXPECT_EQ(planned(c), "resync with change map from aaaaaaaa:10");
  c.memory = Memory::nothing;
  EXPECT_EQ(planned(c), "compare after aaaaaaaa:10");
  c.pass_there = "f:25";
  c.memory = Memory::map;
  EXPECT_EQ(planned(c), "compare after aaaaaaaa:10");
}
TEST(Plan, PassDoesNotGoOnWhereTheTargetForgotWhatItChangedItself) {
  Case c{.source = "a:10 c:20", .target = "a:10 b:12", .memory = Memory::map, .pass_here = "c:20", .pass_there = "c:20"};
  EXPECT_EQ(planned(c), "resume the pass to cccccccc:20");
  c.tells_changes = false;
  EXPECT_EQ(planned(c), "compare after aaaaaaaa:10");
  c.pass_compares = true;
  EXPECT_EQ(planned(c), "resume the pass to cccccccc:20");
}
TEST(Plan, FirstCopyThatBrokeOffIsAFirstCopyAgain) {
  EXPECT_EQ(planned({.source = "a:30", .target = "-", .pass_there = "a:25"}), "full copy to a new target");
  EXPECT_EQ(planned({.source = "a:30", .target = "-", .pass_here = "a:25", .pass_there = "a:25"}),
            "resume the pass to aaaaaaaa:25");
}

TEST(History, DeadBranchesAreNotOnTheWay) {
  Past p = past("a:10 b:25");
  p.history.push_back({generation('c'), origin("a:10")});
  p.position = origin("c:40");
  EXPECT_EQ(text_of(p), "aaaaaaaa:10 cccccccc:40");
  EXPECT_FALSE(passed(p, origin("b:1")));
  EXPECT_TRUE(passed(p, origin("a:10")));
  EXPECT_FALSE(passed(p, origin("a:11")));
}
TEST(History, RingsEnd) {
  Past p;
  p.history = {{generation('a'), origin("b:5")}, {generation('b'), origin("a:5")}};
  p.position = origin("a:9");
  EXPECT_EQ(stretches(p).size(), 2U);
}

// Whatever two ends say, a stream starts only where the source has been, and nobody's writes go without being
// kept or chosen.
TEST(Plan, NeverStreamsOntoAnUnknownPositionNorDropsWritesUnasked) {
  rc::check([] {
    auto some_past = [] {
      Past p;
      int n = *rc::gen::inRange(0, 4);
      for (int i = 0; i < n; ++i) {
        Generation g = generation(static_cast<char>('a' + *rc::gen::inRange(0, 5)));
        p.history.push_back({g, p.position});
        p.position = {g, Lsn{static_cast<std::uint64_t>(*rc::gen::inRange(1, 20))}};
      }
      return p;
    };
    SourceSide source;
    source.past = some_past();
    source.memory = *rc::gen::element(Memory::journal, Memory::map, Memory::nothing);
    TargetSide target;
    target.past = some_past();
    target.role = *rc::gen::element(store::Role::target, store::Role::target_writable);
    target.holds_nothing = target.past.position.generation.is_none();
    Plan plan = make_plan(source, target, false);
    if (plan.kind == Plan::Kind::stream) {
      RC_ASSERT(passed(source.past, plan.from));
      RC_ASSERT(plan.from == target.past.position);
    }
    if (plan.kind == Plan::Kind::full) RC_ASSERT(target.holds_nothing);
    bool overwrites = plan.kind == Plan::Kind::resync || plan.kind == Plan::Kind::compare;
    if (overwrites) RC_ASSERT(passed(source.past, target.past.position));
  });
}

}  // namespace
}  // namespace lockstep::replica
