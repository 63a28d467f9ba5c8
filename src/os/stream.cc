#include "os/stream.h"

namespace lockstep::os {

rt::Task<Result<>> read_all(Stream& stream, MutSpan into) {
  while (!into.empty()) {
    CO_TRY(std::size_t n, co_await stream.read_some(into));
    if (n == 0) co_return fail(Code::unreachable, stream.peer_name() + " closed the connection in the middle of a message");
    into = into.subspan(n);
  }
  co_return Result<>{};
}

}  // namespace lockstep::os
