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

// For messages that name no next step of their own.
std::string next_step_for(Code code) {
  switch (code) {
    case Code::invalid: return "Correct it, then repeat the call.";
    case Code::not_found: return "`lockstep status` shows what there is.";
    case Code::exists: return "Choose another name.";
    case Code::busy: return "Repeat the call when that is over; `lockstep job list` and `lockstep status` show what goes on.";
    case Code::denied: return "Ask an administrator for a role that allows it.";
    case Code::unsupported: return "`lockstep --help` shows what is offered.";
    case Code::read_only: return "`lockstep status` says why, and what to do about it.";
    case Code::out_of_range: return "Stay within its size; `lockstep volume list` shows it.";
    case Code::no_space: return "Delete snapshots or volumes that are not needed (`lockstep snapshot list`), or use a pool with more space.";
    case Code::unreachable: return "Check that the other system runs and that the network lets it be reached.";
    case Code::timeout: return "Look whether it happened; if not, try again.";
    case Code::cancelled: return "Ask for it again if it is still wanted.";
    case Code::changed: return "Read it again, then repeat the call.";
    case Code::corrupt:
    case Code::io: return "See the log of the system.";
  }
  return "See the log of the system.";
}

// "the cause; what to do": the second half, as a sentence of its own.
std::string take_next_step(std::string& message) {
  std::size_t at = message.rfind("; ");
  if (at == std::string::npos) return "";
  std::string step = message.substr(at + 2);
  if (step.empty()) return "";
  message.resize(at);
  if (step.front() >= 'a' && step.front() <= 'z') step.front() = static_cast<char>(step.front() - 'a' + 'A');
  if (step.back() != '.') step += '.';
  return step;
}

}  // namespace

Refusal refusal_of(const Error& error, std::string parameter) {
  Refusal refusal;
  refusal.code = code_for(error.code);
  refusal.message = error.message;
  refusal.next_step = take_next_step(refusal.message);
  if (refusal.next_step.empty()) refusal.next_step = next_step_for(error.code);
  refusal.parameter = std::move(parameter);
  refusal.kind = error.code;
  return refusal;
}

std::string where_listed(std::string_view what) {
  struct Kind {
    std::string_view what, list;
  };
  static constexpr Kind kinds[] = {{"pool", "pool list"},       {"volume", "volume list"}, {"group", "group list"}, {"drill", "group list"}, {"snapshot", "snapshot list"}, {"relationship", "replica list"},
                                   {"peer", "peer list"},       {"peer system", "peer list"}, {"token", "token list"}, {"account", "user list"}, {"job", "job list"}};
  for (const Kind& kind : kinds)
    if (kind.what == what) return "`lockstep " + std::string(kind.list) + "` shows those there are" + (what == "job" ? ", and those that ended in the last 5 minutes." : ".");
  return "`lockstep status` shows what there is.";
}

std::unexpected<Refusal> bad_parameter(std::string parameter, std::string message, std::string next_step) {
  if (next_step.empty()) next_step = next_step_for(Code::invalid);
  return refuse(Refusal{ReturnCode::invalid_parameter, std::move(message), std::move(next_step), std::move(parameter), Code::invalid});
}

std::unexpected<Refusal> no_such(std::string what, std::string name, std::string parameter) {
  std::string message = "there is no " + what + " '" + name + "'";
  return refuse(Refusal{ReturnCode::not_found, std::move(message), where_listed(what), parameter.empty() ? std::move(name) : std::move(parameter), Code::not_found});
}

std::unexpected<Refusal> taken(std::string what, std::string name, std::string parameter) {
  return refuse(Refusal{ReturnCode::invalid_parameter, "there is a " + what + " '" + name + "' already", "Choose another name.", std::move(parameter), Code::exists});
}

std::unexpected<Refusal> wrong_state(std::string object, std::string message, std::string next_step) {
  if (next_step.empty()) next_step = next_step_for(Code::busy);
  return refuse(Refusal{ReturnCode::failed, std::move(message), std::move(next_step), std::move(object), Code::busy});
}

Answer<> require(const Caller& caller, RoleName least, std::string_view what) {
  if (caller.role >= least) return {};
  std::string message = std::string(what) + " takes the role " + std::string(name_of(least)) + "; '" + caller.user + "' has " + std::string(name_of(caller.role));
  return refuse(Refusal{ReturnCode::access_denied, std::move(message), "Ask an administrator for that role.", caller.user, Code::denied});
}

}  // namespace lockstep::manage
