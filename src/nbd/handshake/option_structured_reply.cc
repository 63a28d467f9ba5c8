#include "nbd/handshake/options.h"

namespace lockstep::nbd {

// NBD_OPT_STRUCTURED_REPLY (8): no data. Asking twice is harmless.
rt::Task<Result<Next>> option_structured_reply(Negotiation& n, Buffer data) {
  if (data.empty()) {
    n.structured = true;
    n.reply(Opt::structured_reply, Rep::ack);
  } else {
    n.refuse(Opt::structured_reply, Rep::err_invalid, "NBD_OPT_STRUCTURED_REPLY takes no data");
  }
  co_return co_await n.send_and_go_on();
}

}  // namespace lockstep::nbd
