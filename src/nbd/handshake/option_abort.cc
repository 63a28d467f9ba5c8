#include "nbd/handshake/options.h"

namespace lockstep::nbd {

// NBD_OPT_ABORT (2): acknowledged, then the session ends. A client that is gone already has said enough.
rt::Task<Result<Next>> option_abort(Negotiation& n, Buffer) {
  n.reply(Opt::abort, Rep::ack);
  ignore(co_await n.send(), "the client may have closed without waiting");
  co_return Next::goodbye;
}

}  // namespace lockstep::nbd
