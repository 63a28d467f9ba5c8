// Gzip around an answer, whole or in pieces. Private to cim.
#pragma once

#include <memory>
#include <string>

#include "http/http.h"

namespace lockstep::cim {

[[nodiscard]] bool wants_gzip(const http::Request& request);   // Accept-Encoding names it, and not with q=0
// Compresses body or pieces; small bodies stay as they are.
void gzip(http::Response& response);

}  // namespace lockstep::cim
