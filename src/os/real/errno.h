// Errno: what the system says, in our words. Total: every number has a code.
#pragma once

#include <string>
#include <string_view>

#include "base/base.h"

namespace lockstep::os::real {

[[nodiscard]] Code code_of(int error_number) noexcept;

// "/var/lib/x: write: No space left on device"
[[nodiscard]] Error system_error(int error_number, std::string_view object, std::string_view attempt);
[[nodiscard]] std::string text_of_errno(int error_number);

}  // namespace lockstep::os::real
