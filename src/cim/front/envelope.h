// Envelope: what the HTTP side of a request must look like (DSP0200, 6). Private to cim.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "cim/wire/raw.h"
#include "cim/wire/reader.h"
#include "http/http.h"

namespace lockstep::cim {

struct Envelope {
  bool extended = false;                 // M-POST
  std::string prefix;                    // of the CIM headers of an M-POST: "73-"
  bool batch = false;                    // CIMBatch: more than one request
  std::optional<std::string> method, object;   // CIMMethod, CIMObject; decoded
};

// The answer of who sends something else.
[[nodiscard]] std::expected<Envelope, http::Response> open_envelope(const http::Request& request);

// Do the headers say what the message says?
[[nodiscard]] std::optional<RequestFault> mismatch(const Envelope& envelope, const RawMessage& message);

[[nodiscard]] http::Response fault_response(const RequestFault& fault);
void address_answer(http::Response& response, const Envelope& envelope);   // the headers of an answer

}  // namespace lockstep::cim
