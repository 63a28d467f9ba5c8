// Counters of the servers as Prometheus text.
#pragma once

#include <string>
#include <vector>

#include "http/http.h"
#include "nbd/nbd.h"
#include "os/os.h"

namespace lockstep::daemon {

[[nodiscard]] std::string metrics_of(const nbd::Metrics& nbd, const http::Counters& http, const http::Counters& cim, const std::vector<os::LoopReport>& loops = {});

}  // namespace lockstep::daemon
