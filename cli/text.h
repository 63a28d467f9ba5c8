// Text: what people type and read: sizes, times, tables, bars.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace lockstep::cli {

[[nodiscard]] Result<Bytes> parse_size(std::string_view text);             // 512M, 8G, 1.5T, plain bytes; powers of 1024
[[nodiscard]] Result<std::uint64_t> parse_seconds(std::string_view text);  // 30s, 5m, 2h, 1d, plain seconds
[[nodiscard]] Result<std::uint64_t> parse_milliseconds(std::string_view text);  // 100ms, 0.1s, plain milliseconds
[[nodiscard]] std::string size_text(std::uint64_t bytes);                  // "1.5 GiB"
[[nodiscard]] std::string seconds_text(double seconds);                    // "0.4 s", "3 m 20 s"

// Columns as wide as their widest cell; the first row is the heading.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);
[[nodiscard]] std::string bar(double percent, std::size_t width);

[[nodiscard]] bool to_terminal();   // is standard output a terminal?

}  // namespace lockstep::cli
