#include "cim/query/query.h"

#include <gtest/gtest.h>

#include "cim/cim_testing.h"
#include "cim/query/like.h"

namespace lockstep::cim {
namespace {

using testing::make;

// "yes", "no", or the error.
std::string answer(Language language, std::string text, const Instance& instance) {
  auto query = parse_query(language, text);
  if (!query) return std::to_string(static_cast<unsigned>(query.error().status)) + " " + query.error().message;
  return matches(*query, instance) ? "yes" : "no";
}

Instance volume() { return make("MSFT_SMStorageVolume", {{"ObjectId", "v1"}, {"Name", "Data"}, {"HealthStatus", "5"}, {"OperationalStatus", "2"}}); }
std::string where(std::string condition, Language language = Language::wql) { return answer(language, "SELECT * FROM MSFT_SMStorageVolume WHERE " + condition, volume()); }

TEST(Query, ConditionsOnProperties) {
  const std::pair<const char*, const char*> cases[] = {
      {"HealthStatus = 5", "yes"}, {"HealthStatus <> 5", "no"}, {"HealthStatus > 4 AND HealthStatus < 6", "yes"}, {"HealthStatus >= 6 OR Name = 'data'", "yes"}, {"NOT HealthStatus = 5", "no"},
      {"(HealthStatus = 1 OR HealthStatus = 5) AND NOT (Name = 'x')", "yes"}, {"5 = HealthStatus", "yes"}, {"HealthStatus = 0x5", "yes"}, {"HealthStatus = -5", "no"}, {"HealthStatus = 5.0", "yes"},
      {"DisplayName IS NULL", "yes"}, {"DisplayName IS NOT NULL", "no"}, {"Name IS NULL", "no"}, {"DisplayName = NULL", "yes"}, {"DisplayName = 'x'", "no"}, {"NOT DisplayName = 'x'", "no"},
      {"Name LIKE 'D%'", "yes"}, {"Name LIKE '_at_'", "yes"}, {"Name LIKE '[a-d]ata'", "yes"}, {"Name NOT LIKE 'D%'", "no"}, {"OperationalStatus = 2", "yes"}, {"ANY OperationalStatus[*] = 3", "no"},
      {"EVERY OperationalStatus[*] = 2", "yes"}, {"OperationalStatus[0] = 2", "yes"}, {"OperationalStatus[7] = 2", "no"}, {"MSFT_SMStorageVolume.Name = 'Data'", "yes"}, {"Name = HealthStatus", "no"},
      {"Name = \"Data\"", "yes"}, {"Name = 'Da''ta'", "no"},
  };
  for (auto [condition, expected] : cases) EXPECT_EQ(where(condition), expected) << condition;
  EXPECT_EQ(where("Name = 'data'", Language::cql), "no");   // CQL minds the case of text
  EXPECT_EQ(where("Name LIKE 'D.*'", Language::cql), "yes");
}

TEST(Query, WrongOnesAreRefusedWithThePlace) {
  for (const char* text : {"", "SELECT", "SELECT *", "SELECT * FROM", "SELECT * FROM Nothing", "SELECT * FROM MSFT_SMPool WHERE", "SELECT * FROM MSFT_SMPool WHERE Name", "SELECT * FROM MSFT_SMPool WHERE Name =",
                           "SELECT * FROM MSFT_SMPool WHERE Nothing = 1", "SELECT Nothing FROM MSFT_SMPool", "SELECT * FROM MSFT_SMPool WHERE Name = 'x", "SELECT * FROM MSFT_SMPool WHERE Name = 1 1",
                           "SELECT * FROM MSFT_SMPool WHERE (Name = 'x'", "SELECT * FROM MSFT_SMPool WHERE 1 = 1", "DELETE FROM MSFT_SMPool", "SELECT * FROM MSFT_SMPool WHERE Name = 99999999999999999999999"}) {
    auto query = parse_query(Language::wql, text);
    ASSERT_FALSE(query) << text;
    EXPECT_EQ(query.error().status, Status::invalid_query) << text;
  }
  std::string deep = "SELECT * FROM MSFT_SMPool WHERE " + std::string(5000, '(') + "Name = 'x'" + std::string(5000, ')');
  EXPECT_FALSE(parse_query(Language::wql, deep));
  std::string nots = "SELECT * FROM MSFT_SMPool WHERE ";
  for (int i = 0; i < 3000; ++i) nots += "NOT ";
  EXPECT_FALSE(parse_query(Language::wql, nots + "Name = 'x'"));
}

TEST(Query, IndicationsAreAskedForTheirEmbeddedInstances) {
  Instance before = volume();
  Instance after = volume();
  for (NamedValue& value : after.properties)
    if (value.name == "HealthStatus") value.value = Value(Scalar(std::uint64_t{0}));
  Instance change = make("CIM_InstModification", {});
  for (NamedValue& value : change.properties) {
    if (value.name == "SourceInstance") value.value = Value(Scalar(std::make_shared<const Instance>(after)));
    if (value.name == "PreviousInstance") value.value = Value(Scalar(std::make_shared<const Instance>(before)));
  }
  const std::pair<const char*, const char*> cases[] = {
      {"SELECT * FROM CIM_InstModification WHERE SourceInstance ISA MSFT_SMStorageVolume", "yes"},
      {"SELECT * FROM CIM_InstModification WHERE SourceInstance ISA 'MSFT_SMStorageObject'", "yes"},
      {"SELECT * FROM CIM_InstModification WHERE SourceInstance ISA MSFT_SMPool", "no"},
      {"SELECT * FROM CIM_InstIndication WHERE SourceInstance ISA MSFT_SMStorageVolume", "yes"},
      {"SELECT * FROM CIM_InstCreation WHERE SourceInstance ISA MSFT_SMStorageVolume", "no"},
      {"SELECT * FROM CIM_InstModification WHERE SourceInstance.HealthStatus <> PreviousInstance.HealthStatus", "yes"},
      {"SELECT * FROM CIM_InstModification WHERE SourceInstance.MSFT_SMStorageVolume::HealthStatus <> PreviousInstance.MSFT_SMStorageVolume::HealthStatus", "yes"},
      {"SELECT * FROM CIM_InstModification WHERE SourceInstance.MSFT_SMPool::HealthStatus <> PreviousInstance.MSFT_SMPool::HealthStatus", "no"},
      {"SELECT * FROM CIM_InstModification AS m WHERE m.SourceInstance ISA MSFT_SMStorageVolume AND m.SourceInstance.Name = 'Data'", "yes"},
      {"SELECT * FROM CIM_InstModification WHERE SourceInstance.OperationalStatus <> PreviousInstance.OperationalStatus", "no"},
      {"SELECT * FROM CIM_InstModification WHERE ANY SourceInstance.OperationalStatus[*] = 2", "yes"},
  };
  for (auto [text, expected] : cases) EXPECT_EQ(answer(Language::cql, text, change), expected) << text;
}

TEST(Query, LikeTakesNoLongerForAMeanPattern) {
  std::string text(2000, 'a');
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "%a";
  EXPECT_FALSE(is_like(text, pattern + "b", Language::wql));
  EXPECT_TRUE(is_like(text, pattern, Language::wql));
  EXPECT_TRUE(is_like("", "%", Language::wql));
  EXPECT_FALSE(is_like("", "_", Language::wql));
  EXPECT_TRUE(is_like("a[b", "a\\[b", Language::wql));
}

TEST(Query, AFilterIsAConditionAlone) {
  auto query = parse_filter("HealthStatus = 5 AND Name LIKE 'D.*'", "MSFT_SMStorageVolume");
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_TRUE(matches(*query, volume()));
}

}  // namespace
}  // namespace lockstep::cim
