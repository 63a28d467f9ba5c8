// Cli: the `lockstep` command. Exit codes: 0 done, 1 refused, 2 usage, 3 unreachable.
#pragma once

namespace lockstep::cli {

int run(int argc, char** argv);

}  // namespace lockstep::cli
