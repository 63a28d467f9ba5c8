// What every resource owes: an address that it answers at, Id, Name and type; and what each call answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "rest/call.h"
#include "rest/rest_testing.h"

namespace lockstep::rest {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::Got;
using testing::L;
using testing::S;
using testing::TestRest;

// Everything below a body that is a link.
void links_in(const json::value& value, std::set<std::string>& into) {
  if (const json::object* object = value.if_object()) {
    for (const auto& property : *object) {
      if (property.key() == "@odata.id" || property.key() == "TaskMonitor" || property.key() == "Uri") into.insert(std::string(property.value().as_string()));
      else links_in(property.value(), into);
    }
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) links_in(item, into);
  }
}

struct Resources : ::testing::Test {
  Resources() {
    t.make_objects();
    manage::testing::TestSystem::ok(t.run(t.system->create_snapshot(t.admin(), "db", "monday")));
    manage::CreateReplica request = t.mirror("r");
    manage::testing::TestSystem::ok(t.run(t.system->create_replica(t.admin(), request)));
    replica::PeerReport peer;
    peer.peer.id = t.host.random().id<SystemId>();
    peer.peer.name = "b";
    t.engine->known_peers.push_back(peer);
  }
  TestRest t;
};

TEST_F(Resources, EveryLinkFromTheRootLeadsToAValidResource) {
  t.engine->new_state = replica::CopyState::unsynchronized;   // one job that runs
  manage::testing::TestSystem::ok(t.run(t.system->create_replica(t.admin(), t.mirror("s"))));
  std::set<std::string> todo{"/redfish/v1/"};
  std::set<std::string> done;
  while (!todo.empty()) {
    std::string path = *todo.begin();
    todo.erase(todo.begin());
    if (!done.insert(path).second || path.starts_with("https://")) continue;
    Got got = t.get(path);
    if (path.find("/TaskMonitors/") != std::string::npos) {
      EXPECT_EQ(got.status, 202u) << path;
      continue;
    }
    ASSERT_EQ(got.status, 200u) << path << " " << got.text;
    if (path.ends_with("registry.json")) continue;
    EXPECT_THAT(std::string(got.body.at("@odata.type").as_string()), StartsWith("#")) << path;
    EXPECT_TRUE(got.body.contains("Name")) << path;
    std::string id(got.body.at("@odata.id").as_string());
    EXPECT_EQ(http::percent_decoded(id), http::percent_decoded(path)) << path;
    if (got.body.contains("Members")) {
      EXPECT_EQ(got.body.at("Members@odata.count").to_number<std::size_t>(), got.body.at("Members").as_array().size()) << path;
    } else if (path != "/redfish/v1/") {
      EXPECT_EQ(std::string(got.body.at("Id").as_string()), http::percent_decoded(path.substr(path.rfind('/') + 1))) << path;
    }
    EXPECT_EQ(got.field("OData-Version"), "4.0") << path;
    EXPECT_THAT(got.field("Allow"), HasSubstr("GET, HEAD")) << path;
    EXPECT_THAT(got.field("Link"), HasSubstr("rel=describedby")) << path;
    EXPECT_FALSE(got.field("ETag").empty()) << path;
    links_in(got.body, todo);
  }
  EXPECT_GT(done.size(), 40u);
  for (const char* must : {"/Volumes/p:data", "/ConsistencyGroups/p:db", "/StoragePools/p", "/Relationships/r", "/Peers/b", "/Snapshots/p:db:monday"}) {
    bool found = false;
    for (const std::string& path : done) found = found || path.ends_with(must);
    EXPECT_TRUE(found) << must << " is linked from nowhere";
  }
}

TEST_F(Resources, EveryPathOfTheDocumentIsThere) {
  std::ifstream in("../../docs/rest.md");
  ASSERT_TRUE(in.is_open());
  std::size_t found = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    std::size_t end = line.find(" | ");
    std::istringstream cell(line.substr(2, end - 2));
    for (std::string word; std::getline(cell, word, '`');) {
      if (word == "S" || word.starts_with("S/")) word = S + word.substr(1);
      else if (word == "L" || word.starts_with("L/")) word = L + word.substr(1);
      if (!word.starts_with("/redfish/v1") || word.find('*') != std::string::npos) continue;
      for (const char* part : {"{name}", "{pool:name}", "{pool:group:name}", "{id}", "{…}", "{Operation}"})
        if (std::size_t at = word.find(part); at != std::string::npos) word.replace(at, std::string(part).size(), "x");
      http::Request request = testing::request_for("GET", word);
      EXPECT_NE(find_route(request.segments).route, nullptr) << word;
      ++found;
    }
  }
  EXPECT_GT(found, 25u);
}

TEST_F(Resources, OpenOnesNeedNoCredentials) {
  for (const char* path : {"/redfish", "/redfish/v1", "/redfish/v1/", "/redfish/v1/odata", "/redfish/v1/$metadata"})
    EXPECT_EQ(t.ask(testing::request_for("GET", path)).status, 200u) << path;
  EXPECT_EQ(t.ask(testing::request_for("GET", "/redfish")).text, "{\"v1\":\"/redfish/v1/\"}\n");
  EXPECT_THAT(t.ask(testing::request_for("GET", "/redfish/v1/$metadata")).text, HasSubstr("EntityContainer"));
  EXPECT_EQ(t.ask(testing::request_for("GET", "/redfish/v1/Systems")).status, 401u);
  EXPECT_EQ(t.ask(testing::request_for("GET", "/metrics")).status, 401u);
}

TEST_F(Resources, VolumesAreMadeChangedAndDeleted) {
  Got made = t.post(S + "/Volumes", R"({"Name": "p/new", "CapacityBytes": 1048576})");
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(made.field("Location"), S + "/Volumes/p:new");
  EXPECT_EQ(made.body.at("Oem").at("Lockstep").at("ExportName").as_string(), "p/new");
  EXPECT_EQ(t.post(S + "/Volumes", R"({"Name": "other", "CapacityBytes": 1048576, "Links": {"ProvidingStoragePool": {"@odata.id": "/redfish/v1/Storage/Lockstep/StoragePools/p"}}})").status, 201u);
  Got again = t.post(S + "/Volumes", R"({"Name": "p/new", "CapacityBytes": 1048576})");
  EXPECT_EQ(again.status, 409u);
  EXPECT_EQ(again.refusal(), "AlreadyExists 5 Name");
  Got grown = t.ask("PATCH", S + "/Volumes/p:new", R"({"CapacityBytes": 2097152, "AccessCapabilities": ["Read"]})");
  EXPECT_EQ(grown.status, 200u);
  EXPECT_EQ(grown.body.at("CapacityBytes").to_number<std::uint64_t>(), 2097152u);
  EXPECT_EQ(grown.body.at("Oem").at("Lockstep").at("Writable").as_bool(), false);
  EXPECT_EQ(t.ask("PATCH", S + "/Volumes/p:new", R"({"CapacityBytes": 1048576})").refusal(), "InvalidParameter 5 Size");
  EXPECT_EQ(t.ask("PATCH", S + "/Volumes/p:new", R"({"Name": "x"})").refusal(), "PropertyNotWritable 5 Name");
  EXPECT_EQ(t.ask("DELETE", S + "/Volumes/p:new").status, 204u);
  EXPECT_EQ(t.ask("DELETE", S + "/Volumes/p:new").status, 404u);
  EXPECT_EQ(t.ask("DELETE", S + "/Volumes/p:data").status, 409u);   // in a group
}

TEST_F(Resources, GroupsAreMadeChangedAndDeleted) {
  t.post(S + "/Volumes", R"({"Name": "p/x", "CapacityBytes": 1048576})");
  t.post(S + "/Volumes", R"({"Name": "p/y", "CapacityBytes": 1048576})");
  Got made = t.post(S + "/ConsistencyGroups", R"({"Name": "g", "Volumes": ["p/x"]})");
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(made.field("Location"), S + "/ConsistencyGroups/p:g");
  EXPECT_EQ(t.post(S + "/ConsistencyGroups/p:g/Actions/Oem/Lockstep.AddMembers", R"({"Volumes": [{"@odata.id": "/redfish/v1/Storage/Lockstep/Volumes/p:y"}]})").status, 204u);
  EXPECT_EQ(t.get(S + "/ConsistencyGroups/g").body.at("Volumes@odata.count").to_number<int>(), 2);
  Got set = t.ask("PATCH", S + "/ConsistencyGroups/p:g", R"({"Volumes": ["p/y"]})");
  EXPECT_EQ(set.status, 200u);
  EXPECT_EQ(set.body.at("Oem").at("Lockstep").at("VolumeNames").as_array().size(), 1u);
  EXPECT_EQ(t.ask("DELETE", S + "/ConsistencyGroups/p:db").refusal(), "ContainsReplicas 48000 db");
  EXPECT_EQ(t.ask("DELETE", S + "/ConsistencyGroups/p:g").status, 204u);
  // The schema says that the collection is not insertable: POST works and is not advertised.
  EXPECT_EQ(t.get(S + "/ConsistencyGroups").field("Allow"), "GET, HEAD");
}

TEST_F(Resources, SnapshotsAreTakenClonedRevertedAndDeleted) {
  Got made = t.post(L + "/Snapshots", R"({"Group": "p/db", "Name": "tuesday"})");
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(made.field("Location"), L + "/Snapshots/p:db:tuesday");
  Got cloned = t.post(L + "/Snapshots/p:db:tuesday/Actions/LockstepSnapshot.Clone", R"({"Prefix": "c-"})");
  EXPECT_EQ(cloned.status, 200u);
  EXPECT_EQ(cloned.body.at("Volumes").at(0).as_string(), "p/c-data");
  EXPECT_EQ(t.ask("DELETE", L + "/Snapshots/p:db:tuesday").status, 204u);
  EXPECT_EQ(t.get(L + "/Snapshots/p:db:tuesday").status, 404u);
  EXPECT_EQ(t.post(L + "/Snapshots", R"({"Group": "none"})").refusal(), "NotFound 8 Group");
}

TEST_F(Resources, CollectionsExpandAndCut) {
  Got links = t.get(S + "/Volumes");
  EXPECT_FALSE(links.body.at("Members").at(0).as_object().contains("CapacityBytes"));
  Got whole = t.get(S + "/Volumes?$expand=.");
  EXPECT_TRUE(whole.body.at("Members").at(0).as_object().contains("CapacityBytes"));
  Got second = t.get(S + "/Volumes?$skip=1&$top=1");
  EXPECT_EQ(second.body.at("Members").as_array().size(), 1u);
  EXPECT_EQ(second.body.at("Members@odata.count").to_number<int>(), 2);
  Got first = t.get(S + "/Volumes?$top=1");
  EXPECT_EQ(t.get(std::string(first.body.at("Members@odata.nextLink").as_string())).text, second.text);
}

TEST_F(Resources, AnOldTagRefusesAChange) {
  std::string tag = t.get(S + "/Volumes/p:data").field("ETag");
  http::Request request = testing::request_for("PATCH", S + "/Volumes/p:data", R"({"AccessCapabilities": ["Read"]})");
  request.uid = 0;
  request.fields.push_back({"If-Match", tag});
  EXPECT_EQ(t.ask(request).status, 200u);
  Got late = t.ask(request);
  EXPECT_EQ(late.status, 412u);
  EXPECT_EQ(late.refusal(), "PreconditionFailed 40003 If-Match");
  http::Request read = testing::request_for("GET", S + "/Volumes/p:data");
  read.uid = 0;
  read.fields.push_back({"If-None-Match", t.get(S + "/Volumes/p:data").field("ETag")});
  EXPECT_EQ(t.ask(read).status, 304u);
}

TEST_F(Resources, PeersAreInvitedAndJoined) {
  t.system->set_advertised({os::Address{"host", 1, ""}});
  Got invited = t.post(L + "/Actions/LockstepService.Invite", "");
  EXPECT_EQ(invited.status, 200u);
  EXPECT_EQ(invited.body.at("Token").as_string(), "token");
  EXPECT_EQ(t.post(L + "/Actions/LockstepService.Invite", R"({"ValidSeconds": 0})").status, 400u);
  t.engine->known_peers.clear();
  EXPECT_EQ(t.post(L + "/Actions/LockstepService.Join", R"({"Token": "token"})").status, 201u);
  EXPECT_EQ(t.post(L + "/Actions/LockstepService.Join", R"({"Token": "nonsense"})").status, 400u);
  EXPECT_EQ(t.get(L + "/Peers/b").body.at("Reachable").as_bool(), true);
  EXPECT_EQ(t.ask("DELETE", L + "/Peers/b").status, 204u);
  EXPECT_EQ(t.ask("DELETE", L + "/Peers/b").status, 404u);
}

TEST_F(Resources, OurRegistryHasEveryMessageThatRefusalsCarry) {
  Got registry = t.get("/redfish/v1/Registries/Lockstep.1.0/registry.json");
  const json::object& messages = registry.body.at("Messages").as_object();
  for (manage::ReturnCode code : {manage::ReturnCode::not_supported, manage::ReturnCode::unspecified_error, manage::ReturnCode::timeout, manage::ReturnCode::failed, manage::ReturnCode::invalid_parameter,
                                  manage::ReturnCode::property_not_supported, manage::ReturnCode::not_found, manage::ReturnCode::access_denied, manage::ReturnCode::insufficient_resources,
                                  manage::ReturnCode::cache_out_of_date, manage::ReturnCode::unreachable, manage::ReturnCode::contains_replicas}) {
    manage::Refusal refusal;
    refusal.code = code;
    EXPECT_TRUE(messages.contains(message_key_of(refusal))) << static_cast<unsigned>(code);
    EXPECT_GE(status_of(refusal, Named::by_url), 400u);
  }
  EXPECT_TRUE(messages.contains("StateChanged"));
  EXPECT_TRUE(messages.contains("AlreadyExists"));
}

}  // namespace
}  // namespace lockstep::rest
