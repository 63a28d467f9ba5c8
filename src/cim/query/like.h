// LIKE: WQL's % and _ and [a-z]; elsewhere . for any character and * for any number of what stands before it. Private to cim.
#pragma once

#include <string_view>

#include "cim/query/query.h"

namespace lockstep::cim {

// In time proportional to text times pattern, whatever the pattern.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern, Language language);

}  // namespace lockstep::cim
