// docs/cim.md against the server: every class has a row, "Nothing here" is said of those that are empty, every method is in the right column.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "cim/methods/invocation.h"
#include "cim/provider_testing.h"

namespace lockstep::cim {
namespace {

using testing::TestModel;

// Rows of tables whose first cell is `Name`, cell by cell; the one table of methods apart.
struct Page {
  std::map<std::string, std::string> classes;
  std::map<std::string, std::pair<std::string, std::string>> methods;
};
Page read_page() {
  std::ifstream file(std::string(LOCKSTEP_SOURCE) + "/docs/cim.md");
  CHECK(file.good());
  Page page;
  bool methods = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) methods = line == "## Methods";
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::stringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(cell);
    std::string name = cells.at(0).substr(2, cells.at(0).rfind('`') - 2);
    if (methods) page.methods[name] = {cells.at(1), cells.at(2)};
    else page.classes[name] = cells.at(1);
  }
  return page;
}

bool has_word(const std::string& text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (!is_letter(text[at - 1]) && (at + word.size() == text.size() || !is_letter(text[at + word.size()]))) return true;
  }
  return false;
}

TEST(Docs, EveryClassSaysWhatStandsBehindIt) {
  TestModel t;
  Page page = read_page();
  for (const Class& cls : all_classes()) {
    bool mentioned = page.classes.contains(std::string(cls.name));
    bool public_class = cls.name.starts_with("MSFT_") || cls.name.starts_with("Win32_") || is_in(cls, interop_name_space);
    bool root_only = cls.abstract_class && cls.name.starts_with("CIM_");   // of the schema's core: no more than a place to derive from
    EXPECT_TRUE(mentioned || !public_class || root_only) << cls.name;
    if (!mentioned) continue;
    bool nothing = page.classes[std::string(cls.name)].find("Nothing here") != std::string::npos;
    bool has_instances = !t.all(cls.name).empty();
    EXPECT_FALSE(nothing && has_instances) << cls.name;
  }
  for (const auto& [name, cell] : page.classes) EXPECT_TRUE(find_class(name)) << name;
}

TEST(Docs, EveryMethodIsInTheRightColumn) {
  Page page = read_page();
  for (const Class& cls : all_classes())
    for (const Method& method : cls.methods) {
      auto row = page.methods.find(std::string(cls.name));
      ASSERT_NE(row, page.methods.end()) << cls.name;
      bool offered = model::find_entry(cls.name, method.name) != nullptr;
      EXPECT_TRUE(has_word(offered ? row->second.first : row->second.second, method.name)) << cls.name << "." << method.name;
      EXPECT_FALSE(has_word(offered ? row->second.second : row->second.first, method.name)) << cls.name << "." << method.name;
    }
}

}  // namespace
}  // namespace lockstep::cim
