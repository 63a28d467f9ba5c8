// Service: a system with everything that listens, from its start to its end.
#pragma once

#include "daemon/log.h"
#include "daemon/options.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::daemon {

// Runs until `stop` is requested; everything is drained and closed when it returns. An error: it could not start.
rt::Task<Result<>> serve(os::Host& host, rt::Loop& control, Options options, Log& log, rt::Stop& stop);

}  // namespace lockstep::daemon
