#include "nbd/transmission/session.h"

namespace lockstep::nbd {

// NBD_CMD_TRIM (4) and NBD_CMD_WRITE_ZEROES (6): one record whatever the length, hence always fast enough for
// NBD_CMD_FLAG_FAST_ZERO. Trimmed bytes read as zeroes afterwards. NBD_CMD_FLAG_NO_HOLE keeps the space.
void Session::zero(const Request& request) {
  bool trim = request.cmd() == Cmd::trim;
  std::uint16_t flags = trim ? cmd_fua : cmd_fua | cmd_no_hole | cmd_fast_zero;
  if (Refusal refused = refusal(request, flags, Access::change)) {
    reply_error(request.cookie, refused.error, refused.why);
    return;
  }
  scope_.spawn(zero_slowly(request, trim || !request.has(cmd_no_hole)));
}

rt::Task<void> Session::zero_slowly(Request request, bool discard) {
  InFlight held(*this, 0);
  auto lsn = co_await volume_->zero(Bytes{request.offset}, Bytes{request.length}, discard);
  if (!lsn) {
    reply_error(request.cookie, lsn.error(), Access::change);
  } else {
    answer_late(request, *lsn);
  }
}

}  // namespace lockstep::nbd
