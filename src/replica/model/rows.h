// Rows: a table of operations and CopyStates as it is written in the code: a line for each operation, a word for each CopyState.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "replica/model/states.h"

namespace lockstep::replica {

inline constexpr std::size_t columns = static_cast<std::size_t>(last_column) - static_cast<std::size_t>(first_column) + 1;

// Of a CopyState that has one: first_column to last_column.
[[nodiscard]] constexpr std::size_t column_of(CopyState state) noexcept { return static_cast<std::size_t>(state) - static_cast<std::size_t>(first_column); }

struct Row {
  Operation operation;
  std::string_view cells;  // one word per CopyState, spaces between
};

// In the order of the CopyStates. A row of more or fewer words does not compile.
[[nodiscard]] consteval std::array<std::string_view, columns> words_of(const Row& row) {
  std::array<std::string_view, columns> out;
  std::string_view rest = row.cells;
  for (std::string_view& word : out) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    word = rest.substr(0, rest.find(' '));
    if (word.empty()) throw "a row has fewer words than there are CopyStates";
    rest.remove_prefix(word.size());
  }
  if (!rest.empty()) throw "a row has more words than there are CopyStates";
  return out;
}

}  // namespace lockstep::replica
