// The tables against the facts: every class, member, type and value of the model, and nothing besides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "cim/schema.h"

namespace lockstep::cim {
namespace {

namespace json = boost::json;

std::string model_path() {
  const char* shared = std::getenv("LOCKSTEP_SHARED");
  return std::string(shared ? shared : LOCKSTEP_SHARED) + "/sm-model/sm-model.json";
}

struct Model : ::testing::Test {
  void SetUp() override {
    std::ifstream file(model_path());
    if (!file) GTEST_SKIP() << "no model at " << model_path() << ": set LOCKSTEP_SHARED to the folder that holds sm-model/";
    std::stringstream text;
    text << file.rdbuf();
    classes = json::parse(text.str()).at("classes").as_array();
  }
  json::array classes;
};

std::string text(const json::object& o, std::string_view key) {
  const json::value* v = o.if_contains(key);
  return v && v->is_string() ? std::string(v->as_string()) : "";
}
bool flag(const json::object& o, std::string_view key) {
  const json::value* v = o.if_contains(key);
  return v && v->is_bool() && v->as_bool();
}
const json::array& list(const json::object& o, std::string_view key) {
  static const json::array none;
  const json::value* v = o.if_contains(key);
  return v && v->is_array() ? v->as_array() : none;
}

const Qualifier* qualifier(std::span<const Qualifier> all, std::string_view name) {
  for (const Qualifier& q : all)
    if (same_name(q.name, name)) return &q;
  return nullptr;
}
std::string one(std::span<const Qualifier> all, std::string_view name) {
  const Qualifier* q = qualifier(all, name);
  return q && q->values.size() == 1 ? std::string(q->values[0]) : "";
}

// "4", "5..7", "8.." -> the names it has. (The model has one value twice, with a misprint.)
std::map<std::string, std::set<std::string>> values_of(const json::array& values) {
  std::map<std::string, std::set<std::string>> out;
  for (const json::value& v : values) {
    const json::object& o = v.as_object();
    std::string key = std::to_string(o.at("value").to_number<std::uint64_t>());
    if (const json::value* to = o.if_contains("to")) key += ".." + (to->is_null() ? "" : std::to_string(to->to_number<std::uint64_t>()));
    out[key].insert(text(o, "name"));
  }
  return out;
}
void expect_values(std::span<const Qualifier> ours, const json::array& model, const std::string& where) {
  auto wanted = values_of(model);
  const Qualifier* map = qualifier(ours, "ValueMap");
  const Qualifier* names = qualifier(ours, "Values");
  ASSERT_EQ(map != nullptr, !wanted.empty()) << where;
  if (!map) return;
  ASSERT_TRUE(names) << where;
  EXPECT_EQ(map->values.size(), wanted.size()) << where;
  for (std::size_t i = 0; i < map->values.size(); ++i)
    EXPECT_TRUE(wanted[std::string(map->values[i])].contains(std::string(names->values[i]))) << where << " " << map->values[i] << " " << names->values[i];
}

// What a declaration must look like for a type of the model: a CIM type, a reference, or an embedded instance.
template <class Member>
void expect_type(const Member& ours, const json::object& model, const std::string& where) {
  std::string type = text(model, "type");
  bool is_class = type.starts_with("MSFT_");
  EXPECT_EQ(ours.is_array, flag(model, "array")) << where;
  if (flag(model, "ref")) {
    EXPECT_EQ(ours.type, Type::reference) << where;
    EXPECT_EQ(ours.reference_class, type) << where;
  } else {
    EXPECT_EQ(name_of(ours.type), is_class ? "string" : type) << where;
    EXPECT_EQ(ours.embedded_class, is_class ? type : "") << where;
  }
  expect_values(ours.qualifiers, list(model, "values"), where);
}

void expect_property(const Property& ours, const json::object& model, const std::string& where) {
  EXPECT_EQ(ours.name, text(model, "name")) << where;
  expect_type(ours, model, where);
  static const json::object none;
  const json::value* q = model.if_contains("qualifiers");
  const json::object& qualifiers = q && q->is_object() ? q->as_object() : none;
  EXPECT_EQ(ours.key, flag(qualifiers, "Key")) << where;
  EXPECT_EQ(ours.required, flag(qualifiers, "Required")) << where;
  for (std::string_view name : {"ArrayType", "Units", "MaxLen"}) EXPECT_EQ(one(ours.qualifiers, name), text(qualifiers, name)) << where << " " << name;
  EXPECT_EQ(one(ours.qualifiers, "Write") == "true", text(model, "access") == "read/write") << where;
  EXPECT_NE(one(ours.qualifiers, "Description"), "") << where;
  const Qualifier* also = qualifier(ours.qualifiers, "ModelCorrespondence");
  ASSERT_EQ(also != nullptr, !text(qualifiers, "ModelCorrespondence").empty()) << where;
  const json::value* initial = model.if_contains("default");
  std::string wanted = initial && initial->is_string() ? std::string(initial->as_string()) : initial && !initial->is_null() ? json::serialize(*initial) : "";
  std::string got = ours.initial.empty() ? "" : std::string(ours.initial[0]);
  if (ours.type == Type::boolean)
    for (char& c : wanted) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(got, wanted) << where;
}

TEST_F(Model, EveryClassIsThereWithItsPropertiesTypesAndValues) {
  for (const json::value& v : classes) {
    const json::object& model = v.as_object();
    std::string name = text(model, "name");
    const Class* ours = find_class(name);
    ASSERT_TRUE(ours) << name;
    EXPECT_EQ(ours->name, name);
    EXPECT_EQ(ours->superclass, text(model, "superclass")) << name;
    EXPECT_TRUE(is_in(*ours, storage_name_space)) << name;
    std::set<std::string> words;
    for (const json::value& word : list(model, "qualifiers")) {
      std::string lower(word.as_string());
      for (char& c : lower) c = static_cast<char>(std::tolower(c));
      words.insert(lower);
    }
    EXPECT_EQ(ours->association, words.contains("association")) << name;
    EXPECT_EQ(ours->abstract_class, words.contains("abstract")) << name;
    EXPECT_EQ(ours->indication, words.contains("indication")) << name;
    EXPECT_EQ(one(ours->qualifiers, "Version") == "1.0.0", words.contains("classversion(\"1.0\")")) << name;
    EXPECT_NE(one(ours->qualifiers, "Description"), "") << name;
    for (const json::value& p : list(model, "properties")) {
      std::string where = name + "." + text(p.as_object(), "name");
      const Property* property = find_property(*ours, text(p.as_object(), "name"));
      ASSERT_TRUE(property) << where;
      expect_property(*property, p.as_object(), where);
    }
    EXPECT_EQ(properties_of(*ours).size(), list(model, "properties").size()) << name;
  }
}

TEST_F(Model, EveryMethodIsThereWithItsParametersInOrder) {
  std::size_t count = 0;
  for (const json::value& v : classes) {
    const Class* cls = find_class(text(v.as_object(), "name"));
    ASSERT_TRUE(cls);
    EXPECT_EQ(cls->methods.size(), list(v.as_object(), "methods").size()) << cls->name;
    for (const json::value& m : list(v.as_object(), "methods")) {
      const json::object& model = m.as_object();
      std::string where = std::string(cls->name) + "." + text(model, "name");
      const Method* ours = find_method(*cls, text(model, "name"));
      ASSERT_TRUE(ours) << where;
      ++count;
      EXPECT_EQ(ours->name, text(model, "name"));
      EXPECT_EQ(name_of(ours->type), text(model, "returns")) << where;
      expect_values(ours->qualifiers, list(model, "return_values"), where);
      const json::array& parameters = list(model, "parameters");
      ASSERT_EQ(ours->parameters.size(), parameters.size()) << where;
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        const json::object& parameter = parameters[i].as_object();
        const Parameter& p = ours->parameters[i];
        std::string at = where + "." + text(parameter, "name");
        EXPECT_EQ(p.name, text(parameter, "name")) << at;
        EXPECT_EQ(p.in, flag(parameter, "in")) << at;
        EXPECT_EQ(p.out, flag(parameter, "out")) << at;
        EXPECT_EQ(one(p.qualifiers, "Optional") == "true", flag(parameter, "optional")) << at;
        EXPECT_NE(one(p.qualifiers, "Description"), "") << at;
        expect_type(p, parameter, at);
      }
    }
  }
  EXPECT_EQ(count, 62u);
}

TEST_F(Model, NothingIsInTheStorageNameSpaceThatTheModelDoesNotHave) {
  std::set<std::string> known;
  for (const json::value& v : classes) known.insert(text(v.as_object(), "name"));
  EXPECT_EQ(known.size(), 82u);
  for (const Class& cls : all_classes()) {
    bool of_the_model = cls.name.starts_with("MSFT_") || cls.name.starts_with("Win32_");
    EXPECT_EQ(of_the_model, known.contains(std::string(cls.name))) << cls.name;
  }
}

TEST(Schema, NamesAreEqualWhateverTheirCase) {
  ASSERT_TRUE(find_class("msft_smreplicationgroup"));
  EXPECT_EQ(find_class("msft_smreplicationgroup")->name, "MSFT_SMReplicationGroup");
  EXPECT_TRUE(find_property(*find_class("MSFT_SMPool"), "OBJECTID"));
  EXPECT_TRUE(find_method(*find_class("MSFT_SMReplicationGroup"), "createreplica"));
  EXPECT_EQ(find_class("MSFT_SMReplicationGroups"), nullptr);
  EXPECT_EQ(find_class(""), nullptr);
}

TEST(Schema, WhatIsInheritedComesFirstAndWhatOverridesTakesItsPlace) {
  const Class& group = *find_class("MSFT_SMReplicationGroup");
  ASSERT_GE(properties_of(group).size(), 4u);
  EXPECT_EQ(properties_of(group)[0]->name, "ObjectId");
  EXPECT_EQ(properties_of(group)[0]->origin, "MSFT_SMStorageObject");
  EXPECT_TRUE(is_a(group, "MSFT_SMSTORAGEOBJECT"));
  EXPECT_FALSE(is_a(*find_class("MSFT_SMStorageObject"), "MSFT_SMReplicationGroup"));
  const Class& manager = *find_class("CIM_ObjectManager");
  std::size_t names = 0;
  for (const Property* property : properties_of(manager)) names += same_name(property->name, "Name") ? 1 : 0;
  EXPECT_EQ(names, 1u);
  EXPECT_TRUE(find_property(manager, "Name")->key);
}

TEST(Schema, EveryClassIsInOneOfTheTwoNameSpaces) {
  for (const Class& cls : all_classes()) {
    EXPECT_TRUE(is_in(cls, storage_name_space) || is_in(cls, interop_name_space)) << cls.name;
    EXPECT_EQ(find_class(cls.superclass) != nullptr, !cls.superclass.empty()) << cls.name;
  }
  EXPECT_TRUE(is_in(*find_class("CIM_InstCreation"), storage_name_space));
  EXPECT_TRUE(is_in(*find_class("CIM_InstCreation"), interop_name_space));
}

}  // namespace
}  // namespace lockstep::cim
