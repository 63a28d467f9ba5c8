// Texts into messages and values, and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cim/cim_testing.h"
#include "cim/wire/reader.h"
#include "cim/wire/scan.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"
#include "cim/wire/write.h"

namespace lockstep::cim {
namespace {

using ::testing::HasSubstr;

std::string fault(std::string_view text) {
  ScanLimits limits;
  limits.depth_most = 8;
  limits.elements_most = 100;
  return fault_in_xml(text, limits).value_or("");
}

TEST(Scan, WhatIsWellFormedPasses) {
  for (const char* text : {"<a/>", "<?xml version='1.0' encoding='UTF-8'?>\n<!-- c --><a b=\"1\" c='&lt;'>x<![CDATA[<&]]>&#65;<b></b ></a>\n", "\xEF\xBB\xBF<a/>",
                           "<!DOCTYPE CIM SYSTEM \"x.dtd\"><CIM/>"})
    EXPECT_EQ(fault(text), "") << text;
}

TEST(Scan, WhatIsNotIsRefusedBeforeAnyParserSeesIt) {
  for (const char* text : {"", "x", "<a>", "<a></b>", "<a/><b/>", "<a b=1/>", "<a b=\"1\" b=\"2\"/>", "<a>&nbsp;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&</a>", "<a b=\"<\"/>", "<a>\x01</a>",
                           "<a>\xFF</a>", "<a><!-- -- --></a>", "<a>]]></a>", "<a", "<a b", "<a b=\"", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a/>x", "</a>", "<1/>", "< a/>",
                           "<?xml version='1.0' encoding='UTF-16'?><a/>", "<a><?xml version='1.0'?></a>", "<a/><!DOCTYPE a>"})
    EXPECT_NE(fault(text), "") << text;
}

TEST(Scan, DepthAndNumberAreBounded) {
  std::string deep, shallow;
  for (int i = 0; i < 9; ++i) deep += "<a>";
  for (int i = 0; i < 9; ++i) deep += "</a>";
  EXPECT_THAT(fault(deep), HasSubstr("nested too deep"));
  for (int i = 0; i < 100; ++i) shallow += "<b/>";
  EXPECT_THAT(fault("<a>" + shallow + "</a>"), HasSubstr("too many elements"));
  std::string attributes;
  for (int i = 0; i < 40; ++i) attributes += " a" + std::to_string(i) + "=''";
  EXPECT_THAT(fault("<a" + attributes + "/>"), HasSubstr("too many attributes"));
}

std::string cim_error_of(std::string_view text) {
  auto read = read_message(text, ReadLimits{});
  return read ? "" : std::to_string(read.error().status) + " " + read.error().cim_error;
}

TEST(Reader, EachFaultHasTheNameOfTheStandard) {
  using testing::message_of;
  using testing::simple_request;
  std::string good = message_of(simple_request("GetClass", "interop", ""));
  EXPECT_EQ(cim_error_of(good), "");
  auto with = [&](std::string_view what, std::string_view by) {
    std::string out = good;
    out.replace(out.find(what), what.size(), by);
    return out;
  };
  EXPECT_EQ(cim_error_of("<CIM"), "400 request-not-well-formed");
  EXPECT_EQ(cim_error_of(with("CIMVERSION=\"2.0\"", "CIMVERSION=\"3.0\"")), "501 unsupported-cim-version");
  EXPECT_EQ(cim_error_of(with("DTDVERSION=\"2.0\"", "DTDVERSION=\"1.0\"")), "501 unsupported-dtd-version");
  EXPECT_EQ(cim_error_of(with("PROTOCOLVERSION=\"1.0\"", "PROTOCOLVERSION=\"2.0\"")), "501 unsupported-protocol-version");
  EXPECT_EQ(cim_error_of("<X/>"), "400 request-not-valid");
  EXPECT_EQ(cim_error_of(with(" ID=\"7\"", "")), "400 request-not-valid");
  EXPECT_EQ(cim_error_of(message_of("<SIMPLEEXPREQ/>")), "400 request-not-valid");
  EXPECT_EQ(cim_error_of(message_of("<SIMPLEREQ/>")), "400 request-not-loosely-valid");
  EXPECT_EQ(cim_error_of(message_of("<SIMPLEREQ><IMETHODCALL/></SIMPLEREQ>")), "400 request-not-loosely-valid");
  EXPECT_EQ(cim_error_of(message_of("<MULTIREQ>" + simple_request("A", "b", "") + "</MULTIREQ>")), "400 request-not-valid");
  EXPECT_EQ(cim_error_of(message_of(simple_request("A", "b", "<IPARAMVALUE NAME=\"x\"><VALUE/><VALUE/></IPARAMVALUE>"))), "400 request-not-loosely-valid");
}

TEST(Reader, AMethodCallComesApart) {
  auto read = read_message(testing::message_of("<SIMPLEREQ><METHODCALL NAME=\"M\"><LOCALINSTANCEPATH>" + testing::name_space_xml("root/x") + testing::id_of("C", "a&lt;b") +
                                               "</LOCALINSTANCEPATH><PARAMVALUE NAME=\"P\" PARAMTYPE=\"uint16\"><VALUE>4</VALUE></PARAMVALUE>"
                                               "<PARAMVALUE NAME=\"Q\"><VALUE.ARRAY><VALUE>x</VALUE><VALUE.NULL/></VALUE.ARRAY></PARAMVALUE><PARAMVALUE NAME=\"R\"/></METHODCALL></SIMPLEREQ>"),
                           ReadLimits{});
  ASSERT_TRUE(read) << read.error().detail;
  const RawCall& call = read->calls.front();
  EXPECT_FALSE(call.intrinsic);
  EXPECT_EQ(call.name_space, "root/x");
  EXPECT_EQ(call.object.keys.front().text, "a<b");
  ASSERT_EQ(call.parameters.size(), 3u);
  EXPECT_EQ(call.parameters[0].value.text, "4");
  EXPECT_EQ(call.parameters[1].value.texts.size(), 2u);
  EXPECT_FALSE(call.parameters[1].value.texts[1]);
  EXPECT_EQ(call.parameters[2].value.kind, RawValue::Kind::null);
}

TEST(Scalars, AreInsideTheirBounds) {
  struct Case {
    Type type;
    const char* text;
    const char* written;   // "-": refused
  };
  const Case cases[] = {
      {Type::uint8, "255", "255"}, {Type::uint8, "256", "-"}, {Type::uint8, "-1", "-"}, {Type::uint16, "0x1F", "31"}, {Type::uint64, "18446744073709551615", "18446744073709551615"},
      {Type::uint64, "18446744073709551616", "-"}, {Type::uint64, "99999999999999999999999999999999", "-"}, {Type::sint8, "-128", "-128"}, {Type::sint8, "-129", "-"}, {Type::sint8, "128", "-"},
      {Type::sint64, "-9223372036854775808", "-9223372036854775808"}, {Type::uint32, "", "-"}, {Type::uint32, "1x", "-"}, {Type::uint32, " 7\n", "7"}, {Type::boolean, "true", "TRUE"},
      {Type::boolean, "1", "-"}, {Type::string, " x ", " x "}, {Type::char16, "\xC3\xA4", "\xC3\xA4"}, {Type::char16, "ab", "-"}, {Type::real64, "1.5", "1.5e+00"}, {Type::real64, "abc", "-"},
      {Type::real32, "1e300", "-"}, {Type::real64, "nan", "NaN"}, {Type::datetime, "20260101000000.000000+000", "20260101000000.000000+000"}, {Type::datetime, "00000000000001.000000:000", "00000000000001.000000:000"},
      {Type::datetime, "2026-01-01", "-"}, {Type::datetime, "20260101******.******+000", "20260101******.******+000"},
  };
  for (const Case& c : cases) {
    auto scalar = scalar_of(c.type, c.text);
    EXPECT_EQ(scalar ? text_of(*scalar) : "-", c.written) << c.text;
  }
}

TEST(Typed, PathsNeedAllTheirKeysAndNoOthers) {
  RawPath path;
  path.class_name = "msft_smpool";
  path.keys = {{"OBJECTID", "p", nullptr}};
  ASSERT_TRUE(typed_path(path));
  EXPECT_EQ(typed_path(path)->class_name, "MSFT_SMPool");
  EXPECT_EQ(key_of(*typed_path(path)), key_of(path_of(testing::make("MSFT_SMPool", {{"ObjectId", "p"}}))));
  path.keys.push_back({"Other", "x", nullptr});
  EXPECT_EQ(typed_path(path).error().status, Status::invalid_parameter);
  path.keys.clear();
  EXPECT_EQ(typed_path(path).error().status, Status::invalid_parameter);
  path.class_name = "Nothing";
  EXPECT_EQ(typed_path(path).error().status, Status::invalid_class);
}

TEST(Write, AnInstanceComesBackAsItWas) {
  Instance instance = testing::make("MSFT_SMStorageVolume", {{"ObjectId", "a<&>\"\r\n\t' \xC3\xA4"}, {"HealthStatus", "5"}, {"Name", ""}});
  std::string text;
  write_instance(text, instance, Place{"h", "x"}, Shown{});
  auto raw = read_instance(text, ScanLimits{});
  ASSERT_TRUE(raw) << raw.error();
  auto back = typed_instance(*raw);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(text_of(*back->find("ObjectId")->value.scalar()), "a<&>\"\r\n\t' \xC3\xA4");
  EXPECT_EQ(text_of(*back->find("HealthStatus")->value.scalar()), "5");
  EXPECT_FALSE(back->find("Name")->value.is_null());
  EXPECT_TRUE(back->find("DisplayName")->value.is_null());
  std::string again;
  write_instance(again, *back, Place{"h", "x"}, Shown{});
  EXPECT_EQ(again, text);
}

TEST(Write, EmbeddedInstancesAreTextWithinText) {
  Instance event = testing::make("MSFT_SMStorageArrivalEvent", {});
  for (NamedValue& property : event.properties)
    if (property.name == "SourceInstance") property.value = Value(Scalar(std::make_shared<const Instance>(testing::make("MSFT_SMPool", {{"ObjectId", "p"}}))));
  std::string text;
  write_instance(text, event, Place{"h", "x"}, Shown{});
  EXPECT_THAT(text, HasSubstr("<PROPERTY NAME=\"SourceInstance\" TYPE=\"string\" EmbeddedObject=\"instance\"><VALUE>&lt;INSTANCE CLASSNAME=&quot;MSFT_SMPool&quot;"));
  auto raw = read_instance(text, ScanLimits{});
  ASSERT_TRUE(raw) << raw.error();
  auto back = typed_instance(*raw);
  ASSERT_TRUE(back) << back.error().message;
  const auto& inside = std::get<std::shared_ptr<const Instance>>(*back->find("SourceInstance")->value.scalar());
  EXPECT_EQ(inside->class_name, "MSFT_SMPool");
}

TEST(Write, EveryClassAndQualifierIsWellFormed) {
  for (const Class& cls : all_classes())
    for (bool local : {true, false}) {
      ClassShown shown;
      shown.local_only = local;
      shown.class_origin = true;
      std::string text;
      write_class(text, cls, shown);
      EXPECT_FALSE(fault_in_xml(text, ScanLimits{})) << cls.name << ": " << *fault_in_xml(text, ScanLimits{}) << "\n" << text;
    }
  for (const QualifierType& type : all_qualifier_types()) {
    std::string text;
    write_qualifier_type(text, type);
    EXPECT_FALSE(fault_in_xml(text, ScanLimits{})) << text;
  }
}

}  // namespace
}  // namespace lockstep::cim
