// Byte spans: what data paths pass around. They never own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lockstep {

using Span = std::span<const std::byte>;
using MutSpan = std::span<std::byte>;
using Buffer = std::vector<std::byte>;

[[nodiscard]] inline Span as_span(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(Span bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Buffer to_buffer(Span bytes) { return {bytes.begin(), bytes.end()}; }

// True when every byte is zero. Empty spans are zero.
[[nodiscard]] bool is_zero(Span bytes) noexcept;

}  // namespace lockstep
