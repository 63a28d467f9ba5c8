// Tells systemd how the service is, as sd_notify(3) has it; nothing when nobody asked (NOTIFY_SOCKET).
#pragma once

#include <string_view>

namespace lockstep::daemon {

void notify(std::string_view state);

}  // namespace lockstep::daemon
