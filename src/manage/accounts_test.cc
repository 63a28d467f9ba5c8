#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manage/manage_testing.h"
#include "manage/password.h"

namespace lockstep::manage {
namespace {

using testing::TestSystem;

ReturnCode code_of(const Answer<>& answer) { return answer ? ReturnCode::completed : answer.error().code; }

TEST(Accounts, TheFirstStartMakesAnAdministratorWhosePasswordIsInAFile) {
  TestSystem t;
  t.start();
  std::string password = t.system->first_password().value();
  EXPECT_EQ(password.size(), 20u);
  EXPECT_EQ(as_text(t.host.disk().bytes_of("/data/admin-password")), password + "\n");
  auto caller = t.run(t.system->authenticate("admin", password));
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->role, RoleName::administrator);
  t.restart();
  EXPECT_FALSE(t.system->first_password());
  EXPECT_TRUE(t.run(t.system->authenticate("admin", password)));
}

TEST(Accounts, AWrongPasswordAndAnUnknownNameAreToldApartByNothing) {
  TestSystem t;
  t.start();
  auto wrong = t.run(t.system->authenticate("admin", "wrong password"));
  auto nobody = t.run(t.system->authenticate("nobody", "wrong password"));
  ASSERT_FALSE(wrong);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(wrong.error().message, nobody.error().message);
  EXPECT_EQ(wrong.error().code, ReturnCode::access_denied);
}

TEST(Accounts, NoNumberOfWrongPasswordsLocksAnybodyOut) {
  TestSystem t;
  t.start();
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(t.run(t.system->authenticate("admin", "wrong password")));
  EXPECT_TRUE(t.run(t.system->authenticate("admin", *t.system->first_password())));
}

TEST(Accounts, AChangedPasswordIsInForceAtOnceAlthoughTheOldOneWasRight) {
  TestSystem t;
  t.start();
  std::string old = *t.system->first_password();
  ASSERT_TRUE(t.run(t.system->authenticate("admin", old)));
  ASSERT_TRUE(t.run(t.system->change_account(TestSystem::admin(), "admin", "another password", std::nullopt, std::nullopt)));
  EXPECT_FALSE(t.run(t.system->authenticate("admin", old)));
  EXPECT_TRUE(t.run(t.system->authenticate("admin", "another password")));
}

TEST(Accounts, RolesSayWhoMayDoWhat) {
  TestSystem t;
  t.start();
  t.make_objects();
  Caller reader{"r", RoleName::read_only};
  Caller operate{"o", RoleName::operate};
  EXPECT_EQ(code_of(t.run(t.system->create_volume(reader, "p/x", 1_MiB))), ReturnCode::access_denied);
  EXPECT_EQ(code_of(t.run(t.system->create_volume(operate, "p/x", 1_MiB))), ReturnCode::completed);
  EXPECT_EQ(code_of(t.run(t.system->create_pool(operate, "q", ""))), ReturnCode::access_denied);
  EXPECT_EQ(code_of(t.run(t.system->add_account(operate, "x", "long enough", RoleName::operate))), ReturnCode::access_denied);
  auto invited = t.run(t.system->invite(operate, std::chrono::hours(1)));
  ASSERT_FALSE(invited);
  EXPECT_EQ(invited.error().code, ReturnCode::access_denied);
}

TEST(Accounts, AnybodyChangesTheirOwnPasswordAndNothingElseOfThemselves) {
  TestSystem t;
  t.start();
  ASSERT_TRUE(t.run(t.system->add_account(TestSystem::admin(), "ann", "first password", RoleName::read_only)));
  Caller ann{"ann", RoleName::read_only};
  EXPECT_TRUE(t.run(t.system->change_account(ann, "ann", "second password", std::nullopt, std::nullopt)));
  EXPECT_FALSE(t.run(t.system->change_account(ann, "ann", std::nullopt, RoleName::administrator, std::nullopt)));
  EXPECT_FALSE(t.run(t.system->change_account(ann, "admin", "stolen password", std::nullopt, std::nullopt)));
  EXPECT_TRUE(t.run(t.system->authenticate("ann", "second password")));
}

TEST(Accounts, TheLastAdministratorCannotBeRemovedDisabledOrDemoted) {
  TestSystem t;
  t.start();
  Caller admin = TestSystem::admin();
  EXPECT_EQ(code_of(t.run(t.system->remove_account(admin, "admin"))), ReturnCode::failed);
  EXPECT_EQ(code_of(t.run(t.system->change_account(admin, "admin", std::nullopt, std::nullopt, false))), ReturnCode::failed);
  EXPECT_EQ(code_of(t.run(t.system->change_account(admin, "admin", std::nullopt, RoleName::operate, std::nullopt))), ReturnCode::failed);
  ASSERT_TRUE(t.run(t.system->add_account(admin, "second", "long enough", RoleName::administrator)));
  EXPECT_EQ(code_of(t.run(t.system->remove_account(admin, "admin"))), ReturnCode::completed);
}

TEST(Accounts, ADisabledAccountIsRefusedWithTheRightPasswordToo) {
  TestSystem t;
  t.start();
  ASSERT_TRUE(t.run(t.system->add_account(TestSystem::admin(), "ann", "long enough", RoleName::operate)));
  ASSERT_TRUE(t.run(t.system->authenticate("ann", "long enough")));
  ASSERT_TRUE(t.run(t.system->change_account(TestSystem::admin(), "ann", std::nullopt, std::nullopt, false)));
  EXPECT_FALSE(t.run(t.system->authenticate("ann", "long enough")));
}

TEST(Accounts, BadNamesAndShortPasswordsNameTheirParameter) {
  TestSystem t;
  t.start();
  Caller admin = TestSystem::admin();
  auto refused = [&](std::string user, std::string password) {
    Answer<> answer = t.run(t.system->add_account(admin, std::move(user), std::move(password), RoleName::operate));
    return answer ? std::string("taken") : answer.error().parameter;
  };
  EXPECT_EQ(refused("", "long enough"), "UserName");
  EXPECT_EQ(refused("a b", "long enough"), "UserName");
  EXPECT_EQ(refused(std::string(65, 'a'), "long enough"), "UserName");
  EXPECT_EQ(refused("ann", "short"), "Password");
  EXPECT_EQ(refused("ann", std::string(257, 'x')), "Password");
  EXPECT_EQ(refused("admin", "long enough"), "UserName");
  EXPECT_EQ(refused("ann.o-neill@example", "long enough"), "taken");
}

TEST(Password, ScryptIsTheStandardsOwn) {   // RFC 7914, section 12, with p = 1: N = 16384, r = 8
  auto hash = scrypt("pleaseletmein", as_span("SodiumChloride"), 14);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hex_of(*hash), "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
}

TEST(Password, PartsOfADigestDoNotRunIntoEachOther) {
  EXPECT_NE(sha256({as_span("ab"), as_span("c")}), sha256({as_span("a"), as_span("bc")}));
}

}  // namespace
}  // namespace lockstep::manage
