// Subscriptions are kept; what changes is told to who asked, also when he was away for a while.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cim/cim_testing.h"
#include "cim/indications/url.h"
#include "cim/wire/reader.h"
#include "cim/wire/typed.h"
#include "os/sim/sim.h"

namespace lockstep::cim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::class_of;
using testing::Got;
using testing::make;
using testing::must;
using testing::TestCim;
using namespace std::chrono_literals;

// A listener for CIM-XML, as a client would run one.
class Listener final : public http::Handler {
 public:
  rt::Task<http::Response> handle(http::Request request) override {
    http::Response response;
    if (refuse > 0) {
      --refuse;
      response.status = 503;
      co_return response;
    }
    auto read = read_instances(request.body, ScanLimits{});
    CHECK(read.has_value() && read->size() == 1);
    auto instance = typed_instance(read->front());
    CHECK(instance.has_value());
    headers = request.fields;
    told.push_back(*std::move(instance));
    response.set("Content-Type", "application/xml");
    response.body = "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"></CIM>";
    co_return response;
  }
  // "CIM_InstCreation MSFT_SMPool" ...
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const Instance& one : told) {
      const NamedValue* source = one.find("SourceInstance");
      const Scalar* scalar = source ? source->value.scalar() : nullptr;
      const auto* inside = scalar ? std::get_if<std::shared_ptr<const Instance>>(scalar) : nullptr;
      out.push_back(one.class_name + " " + (inside ? (*inside)->class_name : "-"));
    }
    return out;
  }
  std::vector<Instance> told;
  std::vector<http::Field> headers;
  int refuse = 0;
};

std::string property(const std::string& name, const std::string& type, const std::string& value) { return "<PROPERTY NAME=\"" + name + "\" TYPE=\"" + type + "\"><VALUE>" + value + "</VALUE></PROPERTY>"; }
std::string new_instance(const std::string& class_name, const std::string& properties) {
  return "<IPARAMVALUE NAME=\"NewInstance\"><INSTANCE CLASSNAME=\"" + class_name + "\">" + properties + "</INSTANCE></IPARAMVALUE>";
}

struct Indications : ::testing::Test {
  Indications() : there(t.world.add_host("listener")), server(there, there.loop(), listener) {
    os::Address any;
    any.host = "listener";
    any.port = 5000;
    must(t.world.run(there.loop(), server.listen(any, std::nullopt)));
    t.populate(1);
  }
  ~Indications() override {
    t.end();
    t.world.run(there.loop(), server.stop());
  }
  std::string filter(const std::string& name, const std::string& query, const std::string& language = "DMTF:CQL") {
    std::string escaped = query;
    for (std::size_t at = escaped.find('<'); at != std::string::npos; at = escaped.find('<')) escaped.replace(at, 1, "&lt;");
    return created(t.interop("CreateInstance", new_instance("CIM_IndicationFilter", property("Name", "string", name) + property("Query", "string", escaped) + property("QueryLanguage", "string", language))));
  }
  std::string destination(const std::string& name, const std::string& url = "http://listener:5000/told") {
    return created(t.interop("CreateInstance", new_instance("CIM_ListenerDestinationCIMXML", property("Name", "string", name) + property("Destination", "string", url))));
  }
  std::string subscription(const std::string& filter_path, const std::string& handler, const std::string& more = "") {
    auto reference = [](const std::string& name, const std::string& path) { return "<PROPERTY.REFERENCE NAME=\"" + name + "\"><VALUE.REFERENCE>" + path + "</VALUE.REFERENCE></PROPERTY.REFERENCE>"; };
    return created(t.interop("CreateInstance", new_instance("CIM_IndicationSubscription", reference("Filter", filter_path) + reference("Handler", handler) + more)));
  }
  // The instance name, or "error N".
  static std::string created(const Got& got) {
    if (got.error() != 0) return "error " + std::to_string(got.error());
    std::size_t at = got.body.find("<INSTANCENAME");
    return got.body.substr(at, got.body.rfind("</INSTANCENAME>") + 15 - at);
  }
  unsigned remove(const std::string& path) { return t.interop("DeleteInstance", "<IPARAMVALUE NAME=\"InstanceName\">" + path + "</IPARAMVALUE>").error(); }
  void add_pool(const std::string& id) { t.provider.all.push_back(make("MSFT_SMPool", {{"ObjectId", id}})); }

  TestCim t;
  os::sim::Host& there;
  Listener listener;
  http::Server server;
};

TEST_F(Indications, WhatComesChangesAndGoesIsTold) {
  std::string path = filter("pools", "SELECT * FROM CIM_InstIndication WHERE SourceInstance ISA MSFT_SMPool");
  subscription(path, destination("me"));
  t.pass(5s);
  EXPECT_THAT(listener.lines(), IsEmpty());   // what was there before is no news
  add_pool("q");
  t.pass(5s);
  EXPECT_THAT(listener.lines(), ElementsAre("CIM_InstCreation MSFT_SMPool"));
  for (Instance& one : t.provider.all)
    for (NamedValue& value : one.properties)
      if (one.class_name == "MSFT_SMPool" && value.name == "HealthStatus") value.value = Value(Scalar(std::uint64_t{2}));
  t.pass(5s);
  std::erase_if(t.provider.all, [](const Instance& one) { return one.class_name == "MSFT_SMPool"; });
  t.pass(5s);
  EXPECT_THAT(listener.lines(), ElementsAre("CIM_InstCreation MSFT_SMPool", "CIM_InstModification MSFT_SMPool", "CIM_InstModification MSFT_SMPool", "CIM_InstDeletion MSFT_SMPool", "CIM_InstDeletion MSFT_SMPool"));
  EXPECT_FALSE(listener.told[1].find("PreviousInstance")->value.is_null());
  EXPECT_EQ(std::get<std::string>(*listener.told[0].find("IndicationFilterName")->value.scalar()), "pools");
  EXPECT_EQ(std::get<std::int64_t>(*listener.told[4].find("SequenceNumber")->value.scalar()), 4);
}

TEST_F(Indications, FiltersSeePreviousAndPresentValues) {
  std::string path = filter("health", "SELECT * FROM CIM_InstModification WHERE SourceInstance ISA MSFT_SMStorageVolume AND SourceInstance.HealthStatus <> PreviousInstance.HealthStatus");
  subscription(path, destination("me"));
  t.pass(5s);
  auto set = [&](const char* name, Scalar scalar) {
    for (Instance& one : t.provider.all)
      for (NamedValue& value : one.properties)
        if (one.class_name == "MSFT_SMStorageVolume" && value.name == name) value.value = Value(scalar);
  };
  set("Name", Scalar(std::string("other")));
  t.pass(5s);
  EXPECT_THAT(listener.lines(), IsEmpty());
  set("HealthStatus", Scalar(std::uint64_t{2}));
  t.pass(5s);
  EXPECT_THAT(listener.lines(), ElementsAre("CIM_InstModification MSFT_SMStorageVolume"));
}

TEST_F(Indications, TheModelsOwnEventsAreTold) {
  subscription(filter("events", "SELECT * FROM MSFT_SMStorageEvent", "WQL"), destination("me"));
  t.pass(5s);
  add_pool("q");
  for (Instance& one : t.provider.all)
    for (NamedValue& value : one.properties)
      if (one.class_name == "MSFT_SMSystem" && value.name == "HealthStatus") value.value = Value(Scalar(std::uint64_t{1}));
  t.pass(5s);
  EXPECT_THAT(listener.lines(), ::testing::UnorderedElementsAre("MSFT_SMStorageArrivalEvent MSFT_SMPool", "MSFT_SMStorageModificationEvent MSFT_SMSystem", "MSFT_SMStorageHealthStatusChangeEvent MSFT_SMSystem"));
  EXPECT_EQ(std::get<std::string>(*listener.told[0].find("StorageSubsystemObjectId")->value.scalar()), "s");
}

TEST_F(Indications, FaultsBeginAndEnd) {
  t.make_objects();
  manage::testing::TestSystem::ok(t.run(t.system->create_replica(t.admin(), t.mirror("m"))));
  t.pass(5s);
  subscription(filter("faults", "SELECT * FROM MSFT_SMStorageFaultEvent", "WQL"), destination("me"));
  t.pass(5s);
  t.engine->set_state("m", replica::CopyState::broken, "the disk is full");
  t.pass(5s);
  t.engine->set_state("m", replica::CopyState::synchronized);
  t.pass(5s);
  ASSERT_EQ(listener.told.size(), 2u);
  auto number = [&](std::size_t at, const char* name) { return std::get<std::uint64_t>(*listener.told[at].find(name)->value.scalar()); };
  EXPECT_EQ(number(0, "ChangeType"), 0u);
  EXPECT_EQ(number(0, "PerceivedSeverity"), 6u);
  EXPECT_EQ(number(1, "ChangeType"), 1u);
  EXPECT_EQ(std::get<std::string>(*listener.told[0].find("FaultId")->value.scalar()), std::get<std::string>(*listener.told[1].find("FaultId")->value.scalar()));
}

TEST_F(Indications, AListenerThatWasAwayHearsOfItLaterAndInOrder) {
  subscription(filter("pools", "SELECT * FROM CIM_InstCreation WHERE SourceInstance ISA MSFT_SMPool"), destination("me"));
  t.pass(5s);
  listener.refuse = 2;
  add_pool("q");
  t.pass(5s);
  add_pool("r");
  t.pass(10s);
  EXPECT_THAT(listener.lines(), IsEmpty());
  t.pass(60s);
  ASSERT_EQ(listener.told.size(), 2u);
  EXPECT_EQ(std::get<std::int64_t>(*listener.told[0].find("SequenceNumber")->value.scalar()), 0);
  EXPECT_EQ(std::get<std::int64_t>(*listener.told[1].find("SequenceNumber")->value.scalar()), 1);
}

TEST_F(Indications, WhoNeverAnswersIsDroppedWhereHisPolicySaysSo) {
  subscription(filter("pools", "SELECT * FROM CIM_InstCreation WHERE SourceInstance ISA MSFT_SMPool"), destination("me", "http://nobody:1/"), property("OnFatalErrorPolicy", "uint16", "4"));
  t.pass(5s);
  add_pool("q");
  t.pass(300s);
  EXPECT_EQ(t.interop("EnumerateInstanceNames", class_of("ClassName", "CIM_IndicationSubscription")).count("<INSTANCENAME CLASSNAME=\"CIM_IndicationSubscription\""), 0u);
}

TEST_F(Indications, SubscriptionsOutliveARestart) {
  std::string path = filter("pools", "SELECT * FROM CIM_InstCreation WHERE SourceInstance ISA MSFT_SMPool");
  std::string handler = destination("me");
  subscription(path, handler);
  t.end();
  t.begin();
  t.pass(5s);
  add_pool("q");
  t.pass(5s);
  EXPECT_THAT(listener.lines(), ElementsAre("CIM_InstCreation MSFT_SMPool"));
  Got associated = t.interop("AssociatorNames", "<IPARAMVALUE NAME=\"ObjectName\">" + path + "</IPARAMVALUE>");
  EXPECT_EQ(associated.count("<OBJECTPATH>"), 1u) << associated.body;
  EXPECT_TRUE(associated.has("CIM_ListenerDestinationCIMXML"));
}

TEST_F(Indications, WhatASubscriptionNamesCannotBeRemoved) {
  std::string path = filter("pools", "SELECT * FROM CIM_InstCreation");
  std::string handler = destination("me");
  std::string bound = subscription(path, handler);
  EXPECT_EQ(remove(path), 1u);
  EXPECT_EQ(remove(handler), 1u);
  EXPECT_EQ(remove(bound), 0u);
  EXPECT_EQ(remove(path), 0u);
  EXPECT_EQ(remove(handler), 0u);
  EXPECT_EQ(remove(handler), 6u);
}

TEST_F(Indications, WrongOnesAreRefused) {
  EXPECT_EQ(filter("f", "SELECT * FROM CIM_InstCreation WHERE", "WQL"), "error 15");
  EXPECT_EQ(filter("f", "SELECT * FROM MSFT_SMPool", "WQL"), "error 15");
  EXPECT_EQ(filter("f", "SELECT * FROM CIM_InstCreation", "SQL"), "error 14");
  EXPECT_EQ(destination("d", "ftp://x/"), "error 4");
  std::string path = filter("f", "SELECT * FROM CIM_InstCreation");
  EXPECT_EQ(filter("f", "SELECT * FROM CIM_InstCreation"), "error 11");
  std::string handler = destination("d");
  EXPECT_EQ(remove(handler), 0u);
  EXPECT_EQ(subscription(path, handler), "error 6");
}

TEST_F(Indications, ASubscriptionMayHaveAnEnd) {
  subscription(filter("pools", "SELECT * FROM CIM_InstCreation WHERE SourceInstance ISA MSFT_SMPool"), destination("me"), property("SubscriptionDuration", "uint64", "60"));
  t.pass(70s);
  EXPECT_EQ(t.interop("EnumerateInstances", class_of("ClassName", "CIM_IndicationSubscription")).count("<VALUE.NAMEDINSTANCE>"), 0u);
}

TEST_F(Indications, ADamagedFileIsNamed) {
  t.end();
  ignore(t.run([](os::Host* host, rt::Loop* loop) -> rt::Task<Result<>> {
           Result<> written = co_await rt::work(*loop, [host]() -> Result<> {
             os::OpenOptions options;
             options.create = os::Create::if_missing;
             TRY(auto file, host->files().open_blocking("/data/cim-subscriptions.xml", options));
             return file->write(Bytes{0}, as_span(std::string_view("<SUBSCRIPTIONS>")));
           });
           co_return written;
         }(&t.host, &t.host.loop())),
         "a test");
  Service service(t.host, t.host.loop(), *t.system, t.provider, t.options_);
  Result<> started = t.run(service.start());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::corrupt);
  EXPECT_THAT(started.error().message, HasSubstr("cim-subscriptions.xml"));
  t.run(service.stop());
}

TEST(ListenerUrl, IsTakenApart) {
  auto url = parse_listener_url("HTTPS://host:1234/a/b");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->address.port, 1234);
  EXPECT_EQ(url->path, "/a/b");
  EXPECT_EQ(parse_listener_url("http://host")->address.port, 5988);
  EXPECT_EQ(parse_listener_url("http://[::1]:7")->address.host, "::1");
  for (const char* wrong : {"", "http://", "ftp://x", "http://a b/", "http://u:p@h/", "http://h:99999/", "h:1"}) EXPECT_FALSE(parse_listener_url(wrong)) << wrong;
}

}  // namespace
}  // namespace lockstep::cim
