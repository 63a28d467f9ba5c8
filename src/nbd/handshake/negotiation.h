// Negotiation: what client and server have agreed on so far, and how option replies are sent.
// Lives on the control loop until the session enters transmission.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nbd/nbd.h"
#include "nbd/protocol.h"

namespace lockstep::nbd {

// Reaches the stream below while a TLS handshake owns it, so that a deadline or stop() can end it.
class Lifeline {
 public:
  void hold(os::Stream* stream) { stream_ = stream; }
  void let_go(os::Stream* stream) {
    if (stream_ == stream) stream_ = nullptr;
  }
  void cut() {
    cut_ = true;
    if (stream_) stream_->close();
  }
  [[nodiscard]] bool is_cut() const { return cut_; }

 private:
  os::Stream* stream_ = nullptr;
  bool cut_ = false;
};

// What transmission starts with.
struct Agreed {
  Found found;
  std::string export_name;
  bool structured = false;       // structured replies
  bool base_allocation = false;  // the metadata context was selected for this export
};

enum class Next { another_option, transmission, goodbye };

struct Negotiation {
  std::unique_ptr<os::Stream> stream;
  os::Tls& tls;
  Exports& exports;
  const Options& options;
  TlsPolicy policy;
  std::shared_ptr<Lifeline> lifeline;  // shared with the stream wrapper that a TLS stream owns
  const bool& shutting_down;

  bool fixed = false;  // the client speaks fixed newstyle
  bool no_zeroes = false;
  bool secure = false;  // TLS is on
  bool structured = false;
  std::optional<std::string> context_export;  // base:allocation is selected for this name
  std::optional<Agreed> agreed;

  // Option replies gathered here go out with send(), in one write.
  Buffer out;
  void reply(Opt option, Rep type, Span payload = {});
  void refuse(Opt option, Rep error, std::string_view message) { reply(option, error, as_span(message)); }
  rt::Task<Result<>> send();
  rt::Task<Result<Next>> send_and_go_on();
};

// From the greeting to the end of option haggling. `goodbye`: the client left politely or has been told off.
// Errors: the connection is of no use.
rt::Task<Result<Next>> negotiate(Negotiation& n);

[[nodiscard]] std::uint16_t transmission_flags(const Found& found, bool structured);

}  // namespace lockstep::nbd
