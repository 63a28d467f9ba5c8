// Reader: CIM-XML (DSP0201) into raw messages. Private to cim.
// Promises: anything that arrives costs bounded memory and time; what is wrong gets the status and the CIMError of DSP0200, 7.3.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "cim/wire/raw.h"
#include "cim/wire/scan.h"

namespace lockstep::cim {

struct RequestFault {
  unsigned status = 400;
  std::string cim_error;     // "request-not-well-formed"
  std::string detail;        // for people
};

struct ReadLimits {
  ScanLimits xml;
  std::size_t calls_most = 100;      // in one message
};

[[nodiscard]] std::expected<RawMessage, RequestFault> read_message(std::string_view text, const ReadLimits& limits);

// An INSTANCE on its own, as embedded ones are written; the error says what is wrong.
[[nodiscard]] std::expected<RawInstance, std::string> read_instance(std::string_view text, const ScanLimits& limits);

// The instances of a list of VALUE.NAMEDINSTANCE below one element, whatever its name; and that of an export message.
[[nodiscard]] std::expected<std::vector<RawInstance>, std::string> read_instances(std::string_view text, const ScanLimits& limits);

}  // namespace lockstep::cim
