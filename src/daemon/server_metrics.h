// Counters of the servers as Prometheus text.
#pragma once

#include <string>

#include "http/http.h"
#include "nbd/nbd.h"

namespace lockstep::daemon {

[[nodiscard]] std::string metrics_of(const nbd::Metrics& nbd, const http::Counters& http, const http::Counters& cim);

}  // namespace lockstep::daemon
