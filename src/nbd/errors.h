// What an initiator is told: every Code has an NBD error value.
#pragma once

#include "base/base.h"
#include "nbd/protocol.h"

namespace lockstep::nbd {

// What the request did to the volume: "beyond the end" is ENOSPC for one that changes it and EINVAL for
// others (NBD specification, "Error values").
enum class Access { look, change };

[[nodiscard]] Errno errno_of(Code code, Access access) noexcept;

}  // namespace lockstep::nbd
