// Signature: whose bytes lie on a device that is to be made ours. Pure.
#pragma once

#include <string>

#include "base/base.h"

namespace lockstep::pool::device {

// What the first bytes (a MiB, or all there are) and the last ones tell: "an XFS file system", "data"; empty when all are zero.
[[nodiscard]] std::string what_is_there(Span first, Span last);

}  // namespace lockstep::pool::device
