// Cim: manage in the language of CIM: classes, instances, methods, and the operations of DSP0200 over CIM-XML.
// Promises: what is said of an object is true, or NULL; every return value but 0 and 4096 comes with an MSFT_SMExtendedStatus; a message
//           that is malformed, huge or malicious costs a bounded amount of memory and time, and gets the error that DSP0200 has for it;
//           answers of any size are made while they are sent; who subscribed to indications stays subscribed over restarts.
// Refuses:  deciding anything that manage decides; changes of classes and qualifiers.
// Lives on: the control loop.   On disk: docs/formats/cim-subscriptions.md.
#pragma once

#include <memory>
#include <string>

#include "base/base.h"
#include "cim/provider.h"
#include "cim/schema.h"
#include "cim/value.h"
#include "http/http.h"
#include "manage/manage.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::cim {

struct Options {
  std::string directory;                            // subscriptions are kept there
  unsigned own_uid = 0;                             // at the other end of a Unix socket, it and root are administrators
  std::string listener_ca_pem;                      // who signs the certificates of listeners; empty: no indications over TLS
  Bytes message_max = 2_MiB;                        // read before its sender is known: times connections
  std::size_t enumerations_most = 100;              // open ones, of all clients
  std::size_t queued_indications_most = 1000;       // for each destination; beyond it the oldest go
  unsigned delivery_attempts = 4;
  Duration delivery_interval = std::chrono::seconds(20);   // between two attempts
  Duration compare_every = std::chrono::seconds(2); // at least, while somebody is subscribed
  Duration settle = std::chrono::milliseconds(50);  // changes that come together are told together
};

class Service final : public http::Handler {
 public:
  // All must outlive the service; `provider` may be its own.
  Service(os::Host& host, rt::Loop& loop, manage::System& system, Provider& provider, Options options);
  ~Service() override;

  // Reads the subscriptions and begins to serve them. Whatever it returns, stop() must be called before the end.
  rt::Task<Result<>> start();
  // No more indications; waits in manage must have ended (System::end_waits).
  rt::Task<void> stop();

  rt::Task<http::Response> handle(http::Request request) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::cim
