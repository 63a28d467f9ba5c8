// Log: lines on standard error, written by a thread of their own. Under systemd each carries its priority, and the journal adds the time.
#pragma once

#include <string_view>

namespace lockstep::daemon {

enum class Level { debug, info, warning, error };

// From here on log() goes somewhere; once. `level`: debug, info, warning or error.
void open_log(std::string_view level);
void close_log();   // everything written

// From any thread; never waits for the writer: when it cannot keep up, the oldest lines go.
void log(Level level, std::string_view text);

}  // namespace lockstep::daemon
