#include "os/real/errno.h"

#include <cerrno>
#include <system_error>

namespace lockstep::os::real {

Code code_of(int error_number) noexcept {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return Code::no_space;
    case ENOENT: return Code::not_found;
    case EEXIST: return Code::exists;
    case EACCES:
    case EPERM: return Code::denied;
    case EROFS: return Code::read_only;
    case EBUSY:
    case ETXTBSY:
    case ENOTEMPTY:
    case EADDRINUSE:
    case EWOULDBLOCK: return Code::busy;
    case EINVAL:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EADDRNOTAVAIL:
    case EBADF: return Code::invalid;
    case EOPNOTSUPP:
    case ENOSYS:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: return Code::unsupported;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ESHUTDOWN:
    case ENOTCONN:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET: return Code::unreachable;
    case ETIMEDOUT:
    case ETIME: return Code::timeout;
    case ECANCELED: return Code::cancelled;
    default: return Code::io;
  }
}

std::string text_of_errno(int error_number) { return std::generic_category().message(error_number); }

Error system_error(int error_number, std::string_view object, std::string_view attempt) {
  std::string message(object);
  message += ": ";
  message += attempt;
  message += ": ";
  message += text_of_errno(error_number);
  return Error{code_of(error_number), std::move(message)};
}

}  // namespace lockstep::os::real
