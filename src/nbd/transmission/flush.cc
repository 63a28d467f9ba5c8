#include "nbd/transmission/session.h"

namespace lockstep::nbd {

// NBD_CMD_FLUSH (3): offset and length are reserved and zero. Covers every connection, as
// NBD_FLAG_CAN_MULTI_CONN says.
void Session::flush(const Request& request) {
  if ((request.flags & ~cmd_fua) != 0) {
    reply_error(request.cookie, Errno::einval, "a flag that this NBD command does not know");
  } else if (request.offset != 0 || request.length != 0) {
    reply_error(request.cookie, Errno::einval, "a flush has neither offset nor length");
  } else {
    scope_.spawn(flush_slowly(request));
  }
}

// Also the end of a write with NBD_CMD_FLAG_FUA, appended before this begins.
rt::Task<void> Session::flush_slowly(Request request) {
  InFlight held(*this, 0);
  auto done = co_await volume_->flush();
  if (!done) {
    reply_error(request.cookie, done.error(), Access::change);
  } else {
    reply(request.cookie);
  }
}

}  // namespace lockstep::nbd
