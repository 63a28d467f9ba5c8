// Name lookup with a bound: the system's resolver takes as long as it likes, whoever asked does not.
#include <memory>
#include <utility>

#include "os/real/net.h"
#include "os/real/socket.h"

namespace lockstep::os::real {
namespace {

// Shared by the one who waits and by the job that may outlive the wait.
struct Lookup {
  Result<std::vector<SocketAddress>> found = fail(Code::timeout, "");
  bool over = false;  // on the loop: answered, or given up
};

struct LookupWait {
  rt::Loop& loop;
  Address address;
  Instant until;
  std::shared_ptr<Lookup> lookup = std::make_shared<Lookup>();
  rt::Loop::TimerId timer = 0;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    auto answer = std::make_shared<Result<std::vector<SocketAddress>>>(std::unexpected(Error{}));
    timer = loop.at(until, [shared = lookup, h] {
      shared->over = true;
      h.resume();
    });
    loop.work([answer, at = address] { *answer = look_up(at); },
              [this, shared = lookup, answer, h] {
                if (shared->over) return;  // `this` is gone
                shared->over = true;
                loop.cancel(timer);
                shared->found = std::move(*answer);
                h.resume();
              });
  }
  void await_resume() const noexcept {}
};

}  // namespace

rt::Task<Result<std::vector<SocketAddress>>> resolve(rt::Loop& loop, Address address, Instant until) {
  if (auto numeric = numeric_address(address)) co_return std::vector<SocketAddress>{*numeric};
  LookupWait wait{loop, address, until};
  co_await wait;
  if (!wait.lookup->found && wait.lookup->found.error().code == Code::timeout) {
    co_return fail(Code::timeout, os::text_of(address) + ": look up the name: no answer in time");
  }
  co_return std::move(wait.lookup->found);
}

}  // namespace lockstep::os::real
