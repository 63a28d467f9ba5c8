// Daemon: the program lockstepd. Exit codes: 0 ended in good order, 1 could not start or end, 2 usage.
#pragma once

namespace lockstep::daemon {

int run(int argc, char** argv);

}  // namespace lockstep::daemon
