#include "nbd/transmission/session.h"

namespace lockstep::nbd {

// NBD_CMD_WRITE (1), already found proper. `memory` holds the payload if it came in memory of its own.
void Session::write(const Request& request, Span payload, Memory memory) {
  auto lsn = volume_->try_write(Bytes{request.offset}, payload);
  if (!lsn) {
    reply_error(request.cookie, lsn.error(), Access::change);
  } else if (*lsn) {
    answer(request, **lsn);
  } else {
    if (!memory) {
      memory = memories_.take(payload.size());
      std::memcpy(memory.data(), payload.data(), payload.size());
    }
    scope_.spawn(write_slowly(request, std::move(memory)));
    return;
  }
  memories_.give(std::move(memory));
}

rt::Task<void> Session::write_slowly(Request request, Memory memory) {
  InFlight held(*this, request.length);
  Span payload = memory.span().first(request.length);
  auto lsn = co_await volume_->write(Bytes{request.offset}, payload);
  memories_.give(std::move(memory));
  if (!lsn) {
    reply_error(request.cookie, lsn.error(), Access::change);
  } else {
    answer_late(request, *lsn);
  }
}

}  // namespace lockstep::nbd
