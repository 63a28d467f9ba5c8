#include "base/result.h"

namespace lockstep {

std::string_view name_of(Code code) noexcept {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::not_found: return "not found";
    case Code::exists: return "exists";
    case Code::busy: return "busy";
    case Code::denied: return "denied";
    case Code::unsupported: return "unsupported";
    case Code::read_only: return "read-only";
    case Code::out_of_range: return "out of range";
    case Code::no_space: return "no space";
    case Code::unreachable: return "unreachable";
    case Code::timeout: return "timeout";
    case Code::cancelled: return "cancelled";
    case Code::corrupt: return "corrupt";
    case Code::io: return "i/o error";
    case Code::changed: return "changed";
  }
  return "unknown";
}

}  // namespace lockstep
