// Words, numbers and signs of a query. Private to cim.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::cim {

struct Token {
  enum class Kind { word, number, text, sign, end };
  Kind kind = Kind::end;
  std::string text;            // of a text, without quotes and escapes
  std::size_t at = 0;          // byte in the query
};

// The error says what is wrong and where.
[[nodiscard]] std::expected<std::vector<Token>, std::string> tokens_of(std::string_view query);

}  // namespace lockstep::cim
