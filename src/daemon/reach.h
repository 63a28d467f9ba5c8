// Small things that several parts of the daemon need: names of this machine, files of certificates.
#pragma once

#include <string>

#include "os/os.h"

namespace lockstep::daemon {

[[nodiscard]] std::string host_name();   // empty when the machine has none
// Where others find what listens at `address`: "any address" means this machine by its name.
[[nodiscard]] os::Address reachable(os::Address address);

// At most 1 MiB. A worker job.
Result<std::string> whole_file(os::Files& files, const std::string& path);

}  // namespace lockstep::daemon
