// Export: one indication to one listener, as DSP0200's ExportIndication over HTTP. Private to cim.
#pragma once

#include <string>

#include "cim/indications/url.h"
#include "cim/provider.h"

namespace lockstep::cim {

// The message of an indication.
[[nodiscard]] std::string export_message(const Instance& indication, std::uint64_t id, const std::string& host);

struct Exporter {
  os::Host& host;
  rt::Loop& loop;
  const std::string& ca_pem;
  static constexpr Duration connect_within = std::chrono::seconds(10);
  static constexpr Duration answer_within = std::chrono::seconds(30);

  // When it returns well, the listener has said that it took the message. `stop` cuts it short.
  rt::Task<Result<>> send(ListenerUrl to, std::string message, rt::Stop& stop) const;
};

}  // namespace lockstep::cim
