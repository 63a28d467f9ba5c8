#include "manage/refusal.h"

namespace lockstep::manage {

namespace {

ReturnCode code_for(Code code) {
  switch (code) {
    case Code::invalid:
    case Code::exists:
    case Code::out_of_range: return ReturnCode::invalid_parameter;
    case Code::not_found: return ReturnCode::not_found;
    case Code::busy:
    case Code::read_only:
    case Code::cancelled: return ReturnCode::failed;
    case Code::denied: return ReturnCode::access_denied;
    case Code::unsupported: return ReturnCode::not_supported;
    case Code::no_space: return ReturnCode::insufficient_resources;
    case Code::unreachable: return ReturnCode::unreachable;
    case Code::timeout: return ReturnCode::timeout;
    case Code::corrupt:
    case Code::io: return ReturnCode::unspecified_error;
    case Code::changed: return ReturnCode::cache_out_of_date;
  }
  return ReturnCode::unspecified_error;
}

std::string next_step_for(Code code) {
  switch (code) {
    case Code::exists: return "Choose another name.";
    case Code::busy: return "End what uses it, then try again.";
    case Code::denied: return "Ask an administrator for a role that allows it.";
    case Code::no_space: return "Delete what is not needed, or use a pool with more space.";
    case Code::unreachable: return "Check that the other system runs and that the network lets it be reached.";
    case Code::timeout: return "Look whether it happened; if not, try again.";
    case Code::changed: return "Read it again, then repeat the call.";
    case Code::corrupt:
    case Code::io: return "See the log of the system.";
    default: return "";
  }
}

}  // namespace

Refusal refusal_of(const Error& error, std::string parameter) {
  Refusal refusal;
  refusal.code = code_for(error.code);
  refusal.message = error.message;
  refusal.next_step = next_step_for(error.code);
  refusal.parameter = std::move(parameter);
  refusal.kind = error.code;
  return refusal;
}

std::unexpected<Refusal> bad_parameter(std::string parameter, std::string message, std::string next_step) {
  return refuse(Refusal{ReturnCode::invalid_parameter, std::move(message), std::move(next_step), std::move(parameter), Code::invalid});
}

std::unexpected<Refusal> no_such(std::string what, std::string name, std::string parameter) {
  std::string message = "there is no " + what + " '" + name + "'";
  return refuse(Refusal{ReturnCode::not_found, std::move(message), "", parameter.empty() ? std::move(name) : std::move(parameter), Code::not_found});
}

std::unexpected<Refusal> taken(std::string what, std::string name, std::string parameter) {
  return refuse(Refusal{ReturnCode::invalid_parameter, "there is a " + what + " '" + name + "' already", "Choose another name.", std::move(parameter), Code::exists});
}

std::unexpected<Refusal> wrong_state(std::string object, std::string message, std::string next_step) {
  return refuse(Refusal{ReturnCode::failed, std::move(message), std::move(next_step), std::move(object), Code::busy});
}

Answer<> require(const Caller& caller, RoleName least, std::string_view what) {
  if (caller.role >= least) return {};
  std::string message = std::string(what) + " takes the role " + std::string(name_of(least)) + "; '" + caller.user + "' has " + std::string(name_of(caller.role));
  return refuse(Refusal{ReturnCode::access_denied, std::move(message), "Ask an administrator for that role.", caller.user, Code::denied});
}

}  // namespace lockstep::manage
