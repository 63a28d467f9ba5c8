// MSFT_SMProvider: what it knows of other systems can be dropped; this system it answers for as long as it runs.
#include "cim/methods/invocation.h"

namespace lockstep::cim::model {

namespace {

rt::Task<Done> remove(Invocation& call) {
  if (!call.in.has("username") || !call.in.has("password"))
    co_return bad(call.in.has("username") ? "password" : "username", "Remove takes username and password", "Give those of an administrator.");
  if (call.caller.role != manage::RoleName::administrator)
    co_return refused(static_cast<std::uint32_t>(manage::ReturnCode::access_denied), "username", "'" + call.caller.user + "' is no administrator", "Give the name of one.");
  call.discoveries.forget_all();
  co_return Done{};
}

constexpr MethodEntry entries[] = {{"MSFT_SMProvider", "Remove", remove}};

}  // namespace

std::span<const MethodEntry> provider_methods() { return entries; }

}  // namespace lockstep::cim::model
