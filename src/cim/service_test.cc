// Who gets in, what is wrong with a request as such, and how answers are sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "cim/cim_testing.h"
#include "cim/wire/scan.h"

namespace lockstep::cim {
namespace {

using ::testing::HasSubstr;
using testing::class_of;
using testing::Got;
using testing::message_of;
using testing::simple_request;
using testing::TestCim;

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

struct ServiceTest : ::testing::Test {
  ServiceTest() { t.populate(3); }
  http::Request volumes() { return t.request("EnumerateInstances", sm, message_of(simple_request("EnumerateInstances", sm, class_of("ClassName", "MSFT_SMStorageVolume")))); }
  void set(http::Request& r, std::string name, std::string value) {
    drop(r, name);
    r.fields.push_back({std::move(name), std::move(value)});
  }
  void drop(http::Request& r, std::string_view name) {
    std::erase_if(r.fields, [&](const http::Field& f) { return http::equal_ignoring_case(f.name, name); });
  }
  TestCim t;
  std::string sm{storage_name_space};
};

TEST_F(ServiceTest, WithoutCredentialsBasicIsAskedFor) {
  http::Request r = volumes();
  r.uid.reset();
  Got got = t.send(r);
  EXPECT_EQ(got.status, 401u);
  EXPECT_THAT(got.field("WWW-Authenticate"), HasSubstr("Basic realm="));
  set(r, "Authorization", "Basic " + base64("admin:wrong"));
  EXPECT_EQ(t.send(r).status, 401u);
  set(r, "Authorization", "Bearer x");
  EXPECT_EQ(t.send(r).status, 401u);
  set(r, "Authorization", "Basic " + base64("admin:" + *t.system->first_password()));
  EXPECT_EQ(t.send(r).status, 200u);
}

TEST_F(ServiceTest, AnAnswerHasTheHeadersOfTheStandard) {
  Got got = t.send(volumes());
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.field("CIMOperation"), "MethodResponse");
  EXPECT_THAT(got.field("Content-Type"), HasSubstr("application/xml"));
  EXPECT_EQ(got.count("<VALUE.NAMEDINSTANCE>"), 3u);
  EXPECT_TRUE(got.has("<MESSAGE ID=\"7\" PROTOCOLVERSION=\"1.0\">"));
  EXPECT_FALSE(fault_in_xml(got.body, ScanLimits{})) << *fault_in_xml(got.body, ScanLimits{});
}

TEST_F(ServiceTest, EachWrongHeaderHasItsAnswer) {
  struct Case {
    const char* name;
    const char* value;      // nullptr: dropped
    unsigned status;
    const char* cim_error;
  };
  const Case cases[] = {
      {"CIMOperation", nullptr, 400, "unsupported-operation"}, {"CIMOperation", "MethodCalls", 400, "unsupported-operation"}, {"CIMMethod", nullptr, 400, "header-mismatch"},
      {"CIMMethod", "GetInstance", 400, "header-mismatch"},    {"CIMObject", nullptr, 400, "header-mismatch"},                 {"CIMObject", "root/other", 400, "header-mismatch"},
      {"CIMObject", "root%2Fmicrosoft%2Fwindows%2Fstorage%2Fsm", 200, ""}, {"CIMBatch", "", 400, "header-mismatch"},            {"CIMProtocolVersion", "2.0", 501, "unsupported-protocol-version"},
      {"CIMProtocolVersion", "1.4", 200, ""},                  {"Content-Type", "application/json", 415, ""},                  {"Content-Type", "text/xml; charset=iso-8859-1", 415, ""},
      {"Content-Type", nullptr, 200, ""},                      {"Accept", "text/html", 406, ""},                               {"Accept", "text/xml, */*;q=0.1", 200, ""},
      {"Accept-Charset", "latin1", 406, ""},                   {"Content-Encoding", "gzip", 415, ""},
  };
  for (const Case& c : cases) {
    http::Request r = volumes();
    if (c.value) set(r, c.name, c.value);
    else drop(r, c.name);
    Got got = t.send(r);
    EXPECT_EQ(got.status, c.status) << c.name << ": " << (c.value ? c.value : "(none)");
    EXPECT_EQ(got.field("CIMError"), c.cim_error) << c.name << ": " << (c.value ? c.value : "(none)");
  }
  http::Request get = volumes();
  get.method = "GET";
  EXPECT_EQ(t.send(get).status, 405u);
}

TEST_F(ServiceTest, MPostNeedsItsDeclarationAndPrefixesItsHeaders) {
  http::Request r = volumes();
  r.method = "M-POST";
  EXPECT_EQ(t.send(r).status, 510u);
  set(r, "Man", "http://www.dmtf.org/cim/mapping/http/v1.0 ; ns=73");
  EXPECT_EQ(t.send(r).field("CIMError"), "unsupported-operation");
  for (const char* name : {"CIMOperation", "CIMMethod", "CIMObject"}) {
    std::string value = *r.field(name);
    drop(r, name);
    set(r, std::string("73-") + name, value);
  }
  Got got = t.send(r);
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.field("73-CIMOperation"), "MethodResponse");
  EXPECT_THAT(got.field("Man"), HasSubstr("ns=73"));
  EXPECT_EQ(got.field("Cache-Control"), "no-cache");
}

TEST_F(ServiceTest, MalformedMessagesAreNamedAsTheStandardDoes) {
  std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE CIM [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\">&b;</CIM>";
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<CIM>";
  for (const std::string& body : {std::string(), std::string("nonsense"), bomb, deep, std::string("<CIM CIMVERSION=\"2.0\""), std::string("\xFF\xFE<")}) {
    http::Request r = volumes();
    r.body = body;
    Got got = t.send(r);
    EXPECT_EQ(got.status, 400u);
    EXPECT_EQ(got.field("CIMError"), "request-not-well-formed");
  }
}

TEST_F(ServiceTest, LongMessagesAreReadToo) {
  std::vector<std::string> names(5000, "NoSuchProperty");
  names.emplace_back("Name");
  http::Request r = t.request("EnumerateInstances", sm,
                              message_of(simple_request("EnumerateInstances", sm, class_of("ClassName", "MSFT_SMStorageVolume") + testing::list_of("PropertyList", names))));
  Got got = t.send(r);
  EXPECT_EQ(got.count("<PROPERTY"), 3u);
  r.body.insert(r.body.size() - 10, std::string(t.options_.message_max.value, ' '));
  EXPECT_EQ(t.send(r).field("CIMError"), "request-not-well-formed");
}

TEST_F(ServiceTest, OneMessageMayAskSeveralThings) {
  std::string both = "<MULTIREQ>" + simple_request("EnumerateInstanceNames", sm, class_of("ClassName", "MSFT_SMPool")) + simple_request("Nonsense", sm, "") +
                     simple_request("EnumerateInstanceNames", "root/interop", class_of("ClassName", "CIM_IndicationFilter")) + "</MULTIREQ>";
  http::Request r = t.request("", "", message_of(both));
  EXPECT_EQ(t.send(r).field("CIMError"), "header-mismatch");
  drop(r, "CIMMethod");
  drop(r, "CIMObject");
  set(r, "CIMBatch", "");
  Got got = t.send(r);
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.count("<SIMPLERSP>"), 3u);
  EXPECT_EQ(got.count("<INSTANCENAME"), 1u);
  EXPECT_EQ(got.error(), 7u);
  EXPECT_TRUE(got.has("<MULTIRSP>"));
}

TEST_F(ServiceTest, BigAnswersComeInSmallPieces) {
  t.populate(3000);
  Got got = t.send(volumes());
  EXPECT_EQ(got.count("<VALUE.NAMEDINSTANCE>"), 3003u);
  EXPECT_GT(got.pieces, 10u);
  EXPECT_LT(got.biggest, 600u << 10);
  EXPECT_GT(got.body.size(), 4u << 20);
}

std::string inflated(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(64u << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST_F(ServiceTest, GzipIsSentToWhoAsksForIt) {
  for (std::size_t more : {0u, 3000u}) {
    t.populate(more);
    std::string plain = t.send(volumes()).body;
    http::Request r = volumes();
    set(r, "Accept-Encoding", "deflate, gzip;q=0.5");
    Got got = t.send(r);
    EXPECT_EQ(got.field("Content-Encoding"), "gzip");
    EXPECT_LT(got.body.size(), plain.size() / 4);
    EXPECT_EQ(inflated(got.body), plain);
    set(r, "Accept-Encoding", "gzip;q=0");
    EXPECT_EQ(t.send(r).field("Content-Encoding"), "");
  }
}

TEST_F(ServiceTest, UnknownNameSpacesAreThree) {
  EXPECT_EQ(t.ask("EnumerateInstances", "root/cimv2", class_of("ClassName", "MSFT_SMPool")).error(), 3u);
  EXPECT_EQ(t.ask("EnumerateInstanceNames", "ROOT/Interop", class_of("ClassName", "CIM_IndicationFilter")).error(), 0u);
  EXPECT_EQ(t.ask("EnumerateInstanceNames", "interop", class_of("ClassName", "MSFT_SMPool")).error(), 5u);
}

}  // namespace
}  // namespace lockstep::cim
