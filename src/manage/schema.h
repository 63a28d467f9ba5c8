// The schema of the system database, step by step. A step that was released never changes. Private to manage.
#pragma once

#include <span>

namespace lockstep::manage {

[[nodiscard]] std::span<const char* const> schema_steps();

}  // namespace lockstep::manage
