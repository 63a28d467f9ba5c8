// Passwords: scrypt (RFC 7914) with r = 8, p = 1. Private to manage; worker jobs only.
#pragma once

#include <string_view>

#include "base/base.h"

namespace lockstep::manage {

struct PasswordHash {
  unsigned log2_n = 15;
  Buffer salt;   // 16 bytes
  Buffer hash;   // 32 bytes
};

[[nodiscard]] Result<Buffer> scrypt(std::string_view password, Span salt, unsigned log2_n);
// Takes the same time wherever the first difference is.
[[nodiscard]] bool equal_in_constant_time(Span a, Span b) noexcept;
// For remembering a password that was right, for a moment, without keeping it.
[[nodiscard]] Buffer sha256(std::initializer_list<Span> parts);

}  // namespace lockstep::manage
