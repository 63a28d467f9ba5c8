#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manage/manage_testing.h"

namespace lockstep::manage {
namespace {

using replica::CopyState;
using replica::Operation;
using testing::TestSystem;

struct Jobs : ::testing::Test {
  Jobs() {
    t.start();
    t.make_objects();
  }
  // A mirror whose first copy goes on.
  JobId copying(const std::string& name = "r") {
    t.engine->new_state = CopyState::unsynchronized;
    Outcome outcome = TestSystem::ok(t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror(name))));
    return outcome.job.value();
  }
  std::optional<Job> find(JobId id) {
    for (Job& job : t.system->jobs())
      if (job.id == id) return job;
    return std::nullopt;
  }
  TestSystem t;
};

TEST_F(Jobs, ACallThatIsDoneInTimeLeavesNone) {
  Outcome outcome = TestSystem::ok(t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror("r"))));
  EXPECT_FALSE(outcome.job);
  EXPECT_EQ(outcome.object, "r");
  EXPECT_TRUE(t.system->jobs().empty());
}

TEST_F(Jobs, AnErrorInTimeIsTheCallsOwnAndLeavesNone) {
  t.engine->create_fails = Error{Code::no_space, "pool 'p' is full"};
  auto answer = t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror("r")));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ReturnCode::insufficient_resources);
  EXPECT_TRUE(t.system->jobs().empty());
}

TEST_F(Jobs, ACopyThatGoesOnIsAJobUntilItIsSynchronized) {
  JobId id = copying();
  EXPECT_EQ(find(id)->state, JobState::running);
  t.engine->of("r").to_copy = 8_MiB;
  t.engine->of("r").copied = 2_MiB;
  t.engine->set_state("r", CopyState::unsynchronized);
  t.pass(std::chrono::seconds(1));
  EXPECT_EQ(find(id)->percent, 25u);
  EXPECT_EQ(find(id)->done, 2_MiB);
  t.engine->set_state("r", CopyState::synchronized);
  Job job = TestSystem::ok(t.run(t.system->wait_job(id, std::chrono::seconds(10))));
  EXPECT_EQ(job.state, JobState::completed);
  EXPECT_EQ(job.percent, 100u);
  EXPECT_EQ(job.result, "r");
  EXPECT_FALSE(job.error);
}

TEST_F(Jobs, WaitingForProgressEndsWithTheNextPercent) {
  JobId id = copying();
  auto waiting = t.world.start(t.host.loop(), t.system->wait_job(id, std::chrono::hours(1), true));
  t.pass(std::chrono::seconds(5));
  EXPECT_FALSE(waiting->has_value());
  t.engine->of("r").to_copy = 8_MiB;
  t.engine->of("r").copied = 1_MiB;
  t.engine->set_state("r", CopyState::unsynchronized);
  t.pass(std::chrono::seconds(1));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((**waiting)->percent, 12u);
}

TEST_F(Jobs, ARunningOneGoesOnAfterARestart) {
  JobId id = copying();
  t.restart();
  ASSERT_TRUE(find(id));
  EXPECT_EQ(find(id)->state, JobState::running);
  EXPECT_EQ(find(id)->object, "r");
  t.engine->set_state("r", CopyState::synchronized);
  EXPECT_EQ(TestSystem::ok(t.run(t.system->wait_job(id, std::chrono::seconds(10)))).state, JobState::completed);
}

TEST_F(Jobs, ARunningOneGoesOnAfterTheDeathOfTheProcess) {
  JobId id = copying();
  t.host.kill();
  t.host.finish(t.system->stop());
  t.system.reset();
  t.host.restart();
  t.start();
  ASSERT_TRUE(find(id));
  t.engine->set_state("r", CopyState::synchronized);
  EXPECT_EQ(TestSystem::ok(t.run(t.system->wait_job(id, std::chrono::seconds(10)))).state, JobState::completed);
}

TEST_F(Jobs, OneThatCannotGoOnSaysWhy) {
  TestSystem::ok(t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror("r"))));
  t.engine->operations_wait = true;   // Detach, never done
  Outcome outcome = TestSystem::ok(t.run(t.system->set_relationship(TestSystem::admin(), "r", static_cast<std::uint16_t>(Operation::detach))));
  ASSERT_TRUE(outcome.job);
  t.restart();
  t.pass(std::chrono::seconds(1));
  std::optional<Job> job = find(*outcome.job);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->state, JobState::exception);
  ASSERT_TRUE(job->error);
  EXPECT_THAT(job->error->message, ::testing::HasSubstr("restarted"));
}

TEST_F(Jobs, AnEndedOneStaysFiveMinutesOverARestartAndThenGoes) {
  JobId id = copying();
  t.engine->set_state("r", CopyState::synchronized);
  t.pass(std::chrono::minutes(2));
  ASSERT_TRUE(find(id));
  t.restart();
  ASSERT_TRUE(find(id));
  EXPECT_EQ(find(id)->state, JobState::completed);
  t.pass(std::chrono::minutes(2));
  EXPECT_TRUE(find(id));
  t.pass(std::chrono::minutes(2));
  EXPECT_FALSE(find(id));
  t.restart();
  EXPECT_FALSE(find(id));
}

TEST_F(Jobs, CancellingACopyAbortsItAndKeepsTheRelationship) {
  JobId id = copying();
  TestSystem::ok(t.run(t.system->cancel_job(TestSystem::admin(), id)));
  Job job = TestSystem::ok(t.run(t.system->wait_job(id, std::chrono::seconds(10))));
  EXPECT_EQ(job.state, JobState::terminated);
  EXPECT_THAT(t.engine->operated, ::testing::ElementsAre(Operation::abort));
  EXPECT_EQ(t.engine->of("r").copy_state, CopyState::aborted);
  EXPECT_FALSE(t.run(t.system->cancel_job(TestSystem::admin(), id)));   // it has ended
}

TEST_F(Jobs, OnlyOperatorsCancel) {
  JobId id = copying();
  auto refused = t.run(t.system->cancel_job(Caller{"r", RoleName::read_only}, id));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ReturnCode::access_denied);
}

TEST_F(Jobs, AnOperationThatTakesItsTimeIsOneToo) {
  TestSystem::ok(t.run(t.system->create_replica(TestSystem::admin(), TestSystem::mirror("r"))));
  t.engine->operations_wait = true;
  Outcome outcome = TestSystem::ok(t.run(t.system->set_relationship(TestSystem::admin(), "r", static_cast<std::uint16_t>(Operation::failover))));
  ASSERT_TRUE(outcome.job);
  EXPECT_EQ(find(*outcome.job)->what, "Failover r");
  t.engine->set_state("r", CopyState::failedover);
  EXPECT_EQ(TestSystem::ok(t.run(t.system->wait_job(*outcome.job, std::chrono::seconds(10)))).state, JobState::completed);
}

TEST_F(Jobs, NobodyWaitsForOneThatIsNotThere) {
  auto refused = t.run(t.system->wait_job(t.host.random().id<JobId>(), std::chrono::seconds(10)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ReturnCode::not_found);
}

}  // namespace
}  // namespace lockstep::manage
