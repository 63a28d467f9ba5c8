// Connection: one client from accept to the end: option haggling here, on the control loop, then a Session on
// its volume's loop. Lives on the control loop.
#pragma once

#include <memory>

#include "nbd/handshake/negotiation.h"
#include "nbd/nbd.h"
#include "nbd/transmission/session.h"

namespace lockstep::nbd {

class Connection {
 public:
  Connection(os::Host& host, rt::Loop& control, Exports& exports, const Options& options,
             const bool& shutting_down, std::unique_ptr<os::Stream> stream, TlsPolicy policy);

  // True: transmit() is next. False: over; failed() tells a client that broke off from one that left
  // politely.
  rt::Task<bool> haggle();
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] rt::Loop& loop() const {
    return negotiation_.agreed->found.loop();
  }  // after haggle() said true
  rt::Task<void> transmit(Memories& memories);

  // Ends it: at once while haggling, politely afterwards.
  void finish();

  [[nodiscard]] bool in_transmission() const { return session_ != nullptr; }
  [[nodiscard]] VolumeUuid volume() const { return info_.volume; }  // none while haggling
  [[nodiscard]] SessionInfo info(std::uint64_t id) const;
  void add_to(Metrics& metrics) const;

 private:
  rt::Loop& control_;
  const Options& options_;
  std::shared_ptr<Lifeline> lifeline_;  // shared with the stream that a TLS stream wraps
  Negotiation negotiation_;
  SessionInfo info_;
  std::shared_ptr<Session> session_;  // shared with calls that are on their way to its loop
  rt::Loop* loop_ = nullptr;
  bool failed_ = false;
};

}  // namespace lockstep::nbd
