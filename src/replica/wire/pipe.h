// Pipe: a stream inside the process, for a system that is its own peer. Each end lives on its loop; bytes
// cross by posting.
#pragma once

#include <memory>
#include <utility>

#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::replica {

using PipeEnds = std::pair<std::unique_ptr<os::Stream>, std::unique_ptr<os::Stream>>;

// The first end belongs to `a`, the second to `b`; ends do not move to other loops. Both loops outlive what
// was posted to them.
[[nodiscard]] PipeEnds make_pipe(rt::Loop& a, rt::Loop& b);

}  // namespace lockstep::replica
