// The table of states as an administrator meets it: the return code, and what the refusal says, for every operation in every CopyState
// of every type, of a whole relationship and of one of its pairs.
#include <gmock/gmock.h>

#include "manage/manage_testing.h"
#include "manage/refusal.h"

namespace lockstep::manage {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;
using replica::Cell;
using replica::CopyState;
using replica::Operation;
using replica::SyncType;

// The numbers of the SM model (MSFT_SMReplicationGroup.SetReplicationRelationship, return values).
TEST(ReturnCodes, EveryErrorHasItsPublishedReturnCode) {
  struct Row {
    Code code;
    std::uint32_t published;
  };
  constexpr Row rows[] = {{Code::invalid, 5},      {Code::not_found, 8},       {Code::exists, 5},        {Code::busy, 4},      {Code::denied, 40001},
                          {Code::unsupported, 1},  {Code::read_only, 4},       {Code::out_of_range, 5},  {Code::no_space, 40002}, {Code::unreachable, 46001},
                          {Code::timeout, 3},      {Code::cancelled, 4},       {Code::corrupt, 2},       {Code::io, 2},        {Code::changed, 40003}};
  EXPECT_EQ(std::size(rows), static_cast<std::size_t>(Code::changed) + 1);
  for (const Row& row : rows) EXPECT_EQ(static_cast<std::uint32_t>(refusal_of(Error{row.code, "x"}, "y").code), row.published) << name_of(row.code);
}

struct Codes : ::testing::TestWithParam<SyncType> {
  Codes() {
    t.start();
    t.make_objects();
    TestSystem::ok(t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror("m"))));
    replica::Report& report = t.engine->of("m");
    report.relationship.sync_type = GetParam();
    for (const VolumeInfo& volume : t.run(t.system->volumes())) report.relationship.pairs.emplace_back(volume.row.uuid, VolumeUuid{});
  }
  // What a refusal must say.
  static void expect_refused(const Refusal& refusal, const Cell& cell, Operation operation, CopyState state) {
    bool known = cell.kind == Cell::Kind::refused;
    EXPECT_EQ(static_cast<std::uint32_t>(refusal.code), known ? 4U : 1U);
    EXPECT_THAT(refusal.message, HasSubstr("relationship 'm': " + std::string(replica::name_of(operation))));
    EXPECT_THAT(refusal.message, HasSubstr(std::string(known ? replica::name_of(state) : replica::name_of(GetParam()))));
    EXPECT_GT(refusal.next_step.size(), 15U) << refusal.message;
    EXPECT_THAT(refusal.next_step, Not(HasSubstr("`lockstep --help`"))) << "nothing better is known";
  }
  TestSystem t;
};

TEST_P(Codes, EveryCellIsAnsweredWithTheCodeThatThePageSays) {
  for (int s = static_cast<int>(CopyState::initialized); s <= static_cast<int>(CopyState::skewed); ++s)
    for (int o = 2; o <= 25; ++o) {
      auto state = static_cast<CopyState>(s);
      auto operation = static_cast<Operation>(o);
      Cell cell = replica::cell(GetParam(), operation, state);
      bool refused = cell.kind == Cell::Kind::refused || cell.kind == Cell::Kind::not_offered;
      if (!refused) continue;   // what is accepted is carried out: the engine's tests
      SCOPED_TRACE(std::string(replica::name_of(operation)) + " in " + std::string(replica::name_of(state)));
      t.engine->set_state("m", state);
      t.engine->operated.clear();
      Answer<Outcome> answer = t.run(t.system->set_relationship(TestSystem::admin(), "m", static_cast<std::uint16_t>(o)));
      ASSERT_FALSE(answer.has_value());
      expect_refused(answer.error(), cell, operation, state);
      EXPECT_TRUE(t.engine->operated.empty());
    }
}

TEST_P(Codes, EveryCellOfOnePairLikewise) {
  for (int s = static_cast<int>(CopyState::initialized); s <= static_cast<int>(CopyState::skewed); ++s)
    for (int o = 2; o <= 25; ++o) {
      auto state = static_cast<CopyState>(s);
      auto operation = static_cast<Operation>(o);
      bool of_group = replica::group_only(operation);   // asked of the group all the same
      Cell cell = of_group ? replica::cell(GetParam(), operation, state) : replica::pair_cell(GetParam(), operation, state);
      bool refused = cell.kind == Cell::Kind::refused || cell.kind == Cell::Kind::not_offered;
      if (!refused || operation == Operation::add_sync_pair) continue;   // one that broke off is completed: the engine knows
      SCOPED_TRACE(std::string(replica::name_of(operation)) + " of one pair in " + std::string(replica::name_of(state)));
      t.engine->set_state("m", state);
      Answer<Outcome> answer = t.run(t.system->set_pairs(TestSystem::admin(), "m", static_cast<std::uint16_t>(o), {"p/log"}));
      ASSERT_FALSE(answer.has_value());
      expect_refused(answer.error(), cell, operation, state);
      EXPECT_TRUE(t.engine->pairs_operated.empty());
    }
}

INSTANTIATE_TEST_SUITE_P(Types, Codes, ::testing::Values(SyncType::mirror, SyncType::snapshot, SyncType::clone, SyncType::tokenized_clone),
                         [](const ::testing::TestParamInfo<SyncType>& type) { return std::string(replica::name_of(type.param)); });

}  // namespace
}  // namespace lockstep::manage
