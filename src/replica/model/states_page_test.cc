#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "replica/model/states.h"

namespace lockstep::replica {
namespace {

// Tests run in their own folder, people from the top of the tree.
std::filesystem::path page() {
  for (const char* docs : {"../../docs", "docs"}) {
    if (std::filesystem::exists(docs)) return std::filesystem::path(docs) / "states.md";
  }
  return {};
}

TEST(StatesPage, IsWhatTheTablesSay) {
  std::filesystem::path file = page();
  ASSERT_FALSE(file.empty()) << "docs/ is not here";
  if (std::getenv("LOCKSTEP_WRITE_PAGES") != nullptr) std::ofstream(file) << states_page();  // NOLINT(concurrency-mt-unsafe)
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), states_page()) << "docs/states.md is stale; the page says how to make it anew";
}

}  // namespace
}  // namespace lockstep::replica
