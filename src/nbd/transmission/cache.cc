#include <algorithm>

#include "nbd/transmission/session.h"

namespace lockstep::nbd {
namespace {

constexpr std::uint64_t piece = 256 * 1024;  // bytes read at a time, and thrown away

}  // namespace

// NBD_CMD_CACHE (5): the bytes are read, so that they are in the page cache when they are asked for.
void Session::cache(const Request& request) {
  if (Refusal refused = refusal(request, cmd_fua, Access::look)) {
    reply_error(request.cookie, refused.error, refused.why);
    return;
  }
  scope_.spawn(cache_slowly(request));
}

rt::Task<void> Session::cache_slowly(Request request) {
  InFlight held(*this, piece);
  Memory memory = memories_.take(piece);
  for (std::uint64_t done = 0; done < request.length && !closing_;) {
    MutSpan into = memory.span().first(std::min<std::uint64_t>(piece, request.length - done));
    auto read = co_await volume_->read(Bytes{request.offset + done}, into);
    if (!read) {
      memories_.give(std::move(memory));
      reply_error(request.cookie, read.error(), Access::look);
      co_return;
    }
    done += into.size();
  }
  memories_.give(std::move(memory));
  reply(request.cookie);
}

}  // namespace lockstep::nbd
