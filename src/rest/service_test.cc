// Who gets in, and what is wrong with a request as such.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest/rest_testing.h"

namespace lockstep::rest {
namespace {

using ::testing::HasSubstr;
using testing::Got;
using testing::L;
using testing::request_for;
using testing::S;
using testing::TestRest;

std::string base64(std::string_view text) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out.push_back(i + k <= text.size() ? digits[bits >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

http::Request basic(http::Request request, const std::string& user, const std::string& password) {
  request.fields.push_back({"Authorization", "Basic " + base64(user + ":" + password)});
  return request;
}

struct ServiceTest : ::testing::Test {
  ServiceTest() { t.make_objects(); }
  TestRest t;
  std::string volumes = S + "/Volumes";
};

TEST_F(ServiceTest, WithoutCredentialsTheAnswerSaysWhatToBring) {
  Got got = t.ask(request_for("GET", volumes));
  EXPECT_EQ(got.status, 401u);
  EXPECT_THAT(got.field("WWW-Authenticate"), HasSubstr("Basic"));
  EXPECT_EQ(got.refusal(), "AccessUnauthorized 40001 ");
}

TEST_F(ServiceTest, RootAndTheDaemonsOwnUserNeedNoPasswordAtTheLocalSocket) {
  for (auto [uid, status] : {std::pair{0u, 200u}, {1000u, 200u}, {1001u, 401u}}) {
    http::Request request = request_for("GET", volumes);
    request.uid = uid;
    EXPECT_EQ(t.ask(request).status, status) << uid;
  }
}

TEST_F(ServiceTest, APasswordIsTakenAndAWrongOneIsNot) {
  std::string password = *t.system->first_password();
  EXPECT_EQ(t.ask(basic(request_for("GET", volumes), "admin", password)).status, 200u);
  EXPECT_EQ(t.ask(basic(request_for("GET", volumes), "admin", "wrong")).status, 401u);
  http::Request nonsense = request_for("GET", volumes);
  nonsense.fields.push_back({"Authorization", "Bearer abc"});
  EXPECT_EQ(t.ask(nonsense).status, 401u);
}

TEST_F(ServiceTest, WrongCredentialsAreNotForgivenToRootEither) {
  http::Request request = basic(request_for("GET", volumes), "admin", "wrong");
  request.uid = 0;
  EXPECT_EQ(t.ask(request).status, 401u);
}

TEST_F(ServiceTest, CredentialsAreRefusedWhereOthersListen) {
  http::Request request = basic(request_for("GET", volumes), "admin", *t.system->first_password());
  request.secure = false;
  EXPECT_EQ(t.ask(request).status, 403u);
  http::Request session = request_for("POST", "/redfish/v1/SessionService/Sessions", R"({"UserName": "admin", "Password": "x"})");
  session.secure = false;
  EXPECT_EQ(t.ask(session).status, 403u);
}

TEST_F(ServiceTest, ASessionLastsUntilItIsDeletedOrUnused) {
  std::string credentials = R"({"UserName": "admin", "Password": ")" + *t.system->first_password() + "\"}";
  Got made = t.ask(request_for("POST", "/redfish/v1/SessionService/Sessions", credentials));
  ASSERT_EQ(made.status, 201u);
  std::string token = made.field("X-Auth-Token");
  EXPECT_EQ(token.size(), 32u);
  EXPECT_TRUE(made.body.at("Password").is_null());
  auto with_token = [&](std::string method, std::string path) {
    http::Request request = request_for(std::move(method), std::move(path));
    request.fields.push_back({"X-Auth-Token", token});
    return t.ask(request).status;
  };
  EXPECT_EQ(with_token("GET", volumes), 200u);
  t.pass(std::chrono::minutes(20));
  EXPECT_EQ(with_token("GET", made.field("Location")), 200u);   // used: it goes on
  t.pass(std::chrono::minutes(20));
  EXPECT_EQ(with_token("GET", volumes), 200u);
  EXPECT_EQ(with_token("DELETE", made.field("Location")), 204u);
  EXPECT_EQ(with_token("GET", volumes), 401u);
  Got second = t.ask(request_for("POST", "/redfish/v1/SessionService/Sessions", credentials));
  token = second.field("X-Auth-Token");
  t.pass(std::chrono::minutes(31));
  EXPECT_EQ(with_token("GET", volumes), 401u);
  EXPECT_EQ(t.ask(request_for("POST", "/redfish/v1/SessionService/Sessions", R"({"UserName": "admin", "Password": "wrong"})")).status, 401u);
}

TEST_F(ServiceTest, ASessionHasTheRoleThatItsAccountHasNow) {
  ASSERT_EQ(t.post("/redfish/v1/AccountService/Accounts", R"({"UserName": "ann", "Password": "long enough", "RoleId": "Operator"})").status, 201u);
  Got made = t.ask(request_for("POST", "/redfish/v1/SessionService/Sessions", R"({"UserName": "ann", "Password": "long enough"})"));
  auto as_ann = [&](std::string name) {
    http::Request request = request_for("POST", volumes, R"({"Name": "p/)" + name + R"(", "CapacityBytes": 4096})");
    request.fields.push_back({"X-Auth-Token", made.field("X-Auth-Token")});
    return t.ask(request);
  };
  EXPECT_EQ(as_ann("one").status, 201u);
  ASSERT_EQ(t.ask("PATCH", "/redfish/v1/AccountService/Accounts/ann", R"({"RoleId": "ReadOnly"})").status, 200u);
  Got refused = as_ann("two");
  EXPECT_EQ(refused.status, 403u);
  EXPECT_EQ(refused.refusal(), "AccessDenied 40001 ann");
  ASSERT_EQ(t.ask("DELETE", "/redfish/v1/AccountService/Accounts/ann").status, 204u);
  EXPECT_EQ(as_ann("three").status, 401u);
}

TEST_F(ServiceTest, OthersSeeOnlyThemselvesAmongTheAccounts) {
  t.post("/redfish/v1/AccountService/Accounts", R"({"UserName": "ann", "Password": "long enough", "RoleId": "ReadOnly"})");
  Got all = t.get("/redfish/v1/AccountService/Accounts");
  EXPECT_EQ(all.body.at("Members@odata.count").to_number<int>(), 2);
  Got own = t.ask(basic(request_for("GET", "/redfish/v1/AccountService/Accounts"), "ann", "long enough"));
  EXPECT_EQ(own.body.at("Members@odata.count").to_number<int>(), 1);
  EXPECT_EQ(t.ask(basic(request_for("GET", "/redfish/v1/AccountService/Accounts/admin"), "ann", "long enough")).status, 404u);
  EXPECT_EQ(t.ask(basic(request_for("PATCH", "/redfish/v1/AccountService/Accounts/ann", R"({"Password": "even longer"})"), "ann", "long enough")).status, 200u);
  EXPECT_EQ(t.ask(basic(request_for("GET", volumes), "ann", "even longer")).status, 200u);
}

TEST_F(ServiceTest, WhatIsWrongWithARequestHasAMessageAndChangesNothing) {
  struct Case {
    const char* method;
    std::string path;
    const char* body;
    unsigned status;
    const char* refusal;
  };
  const Case cases[] = {
      {"GET", "/redfish/v1/Nowhere", "", 404, "ResourceMissingAtURI 8 /redfish/v1/Nowhere"},
      {"GET", "/nowhere", "", 404, "ResourceMissingAtURI 8 /nowhere"},
      {"GET", S + "/Volumes/p:none", "", 404, "ResourceMissingAtURI 8 /redfish/v1/Storage/Lockstep/Volumes/p:none"},
      {"POST", volumes, "{", 400, "MalformedJSON 5 "},
      {"POST", volumes, "[]", 400, "MalformedJSON 5 "},
      {"POST", volumes, "", 400, "PropertyMissing 5 Name"},
      {"POST", volumes, R"({"Name": "p/x"})", 400, "PropertyMissing 5 CapacityBytes"},
      {"POST", volumes, R"({"Name": "p/x", "CapacityBytes": "1G"})", 400, "PropertyValueTypeError 5 CapacityBytes"},
      {"POST", volumes, R"({"Name": "p/x", "CapacityBytes": -1})", 400, "PropertyValueTypeError 5 CapacityBytes"},
      {"POST", volumes, R"({"Name": "p/x", "CapacityBytes": 1.5})", 400, "PropertyValueTypeError 5 CapacityBytes"},
      {"POST", volumes, R"({"Name": "p/x", "CapacityBytes": 4096, "Colour": "red"})", 400, "PropertyUnknown 5 Colour"},
      {"POST", volumes, R"({"Name": "p/x", "CapacityBytes": 4096, "Links": {"Colour": "red"}})", 400, "PropertyUnknown 5 Links/Colour"},
      {"POST", volumes, R"({"Name": "p/x", "CapacityBytes": 4096, "ProvisioningPolicy": "Fixed"})", 400, "PropertyValueError 5 ProvisioningPolicy"},
      {"POST", volumes, R"({"Name": "p/x", "CapacityBytes": 1000})", 400, "InvalidParameter 5 Size"},
      {"POST", volumes, R"({"Name": "q/x", "CapacityBytes": 4096})", 400, "NotFound 8 StoragePool"},
      {"PATCH", S + "/Volumes/p:data", R"({"@odata.id": "x"})", 400, "NoOperation 5 "},
      {"PUT", volumes, "{}", 405, "OperationNotAllowed 5 PUT"},
      {"DELETE", volumes, "", 405, "OperationNotAllowed 5 DELETE"},
      {"GET", volumes + "?$filter=x", "", 501, "QueryParameterUnsupported 1 $filter"},
      {"POST", L + "/Relationships/none/Actions/LockstepRelationship.Failover", "{}", 404, "ResourceMissingAtURI 8 /redfish/v1/Oem/Lockstep/Relationships/none/Actions/LockstepRelationship.Failover"},
  };
  for (const Case& c : cases) {
    Got got = t.ask(c.method, c.path, c.body);
    EXPECT_EQ(got.status, c.status) << c.method << " " << c.path << " " << c.body << "\n" << got.text;
    EXPECT_EQ(got.refusal(), c.refusal) << c.method << " " << c.path << " " << c.body;
  }
  EXPECT_EQ(t.get(volumes).body.at("Members@odata.count").to_number<int>(), 2);
  EXPECT_EQ(t.ask("DELETE", volumes).field("Allow"), "GET, HEAD, POST");
}

TEST_F(ServiceTest, OtherVersionsAndTypesAreRefused) {
  http::Request version = request_for("GET", volumes);
  version.uid = 0;
  version.fields.push_back({"OData-Version", "3.0"});
  EXPECT_EQ(t.ask(version).status, 412u);
  http::Request type = request_for("POST", volumes, "<x/>");
  type.uid = 0;
  type.fields.push_back({"Content-Type", "text/xml"});
  EXPECT_EQ(t.ask(type).status, 415u);
}

TEST_F(ServiceTest, UnknownQueryParametersWithoutDollarArePassedOver) { EXPECT_EQ(t.get(volumes + "?colour=red").status, 200u); }

TEST_F(ServiceTest, ACollectionTakesPostsAtItsMembersToo) { EXPECT_EQ(t.post(volumes + "/Members", R"({"Name": "p/x", "CapacityBytes": 4096})").status, 201u); }

TEST_F(ServiceTest, MetricsAreTextForPrometheus) {
  Got got = t.get("/metrics");
  EXPECT_EQ(got.status, 200u);
  EXPECT_THAT(got.field("Content-Type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(got.text, HasSubstr("lockstep_volumes 2\n"));
}

TEST(Json, NumbersAreWrittenAsPeopleDo) {
  json::object o;
  o["a"] = 0.5;
  o["b"] = json::array{1, "x\"y", nullptr, json::object{}, json::array{}};
  EXPECT_EQ(text_of_json(o), R"({"a":0.5,"b":[1,"x\"y",null,{},[]]})");
}

TEST(Json, ReferencesAreNamesOrPaths) {
  EXPECT_EQ(name_of_reference("p/data"), "p/data");
  EXPECT_EQ(name_of_reference("/redfish/v1/Storage/Lockstep/Volumes/p:data"), "p/data");
  EXPECT_EQ(name_of_reference("https://b/redfish/v1/Storage/Lockstep/StoragePools/p/"), "p");
  EXPECT_EQ(time_text(WallTime{1767225600000001}), "2026-01-01T00:00:00.000001Z");
}

}  // namespace
}  // namespace lockstep::rest
