#include "nbd/errors.h"

namespace lockstep::nbd {

Errno errno_of(Code code, Access access) noexcept {
  switch (code) {
    case Code::invalid: return Errno::einval;
    case Code::not_found: return Errno::eshutdown;  // the volume is gone: the initiator is to disconnect
    case Code::exists: return Errno::einval;
    case Code::busy: return Errno::eperm;  // host access is closed for now, as while it is restored
    case Code::denied: return Errno::eperm;
    case Code::unsupported: return Errno::enotsup;
    case Code::read_only: return Errno::eperm;
    case Code::out_of_range: return access == Access::change ? Errno::enospc : Errno::einval;
    case Code::no_space: return Errno::enospc;
    case Code::unreachable: return Errno::eio;
    case Code::timeout: return Errno::eio;
    case Code::cancelled: return Errno::eshutdown;  // the pool is being stopped
    case Code::corrupt: return Errno::eio;
    case Code::io: return Errno::eio;
    case Code::changed: return Errno::eio;
  }
  return Errno::eio;
}

}  // namespace lockstep::nbd
