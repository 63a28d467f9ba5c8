// Log: one line an event, to standard error; with systemd's priority prefix where its journal reads along.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace lockstep::daemon {

enum class Level { debug, info, warn, error };

class Log {
 public:
  explicit Log(const std::string& least);   // debug | info | warn | error
  ~Log();
  // From any thread.
  void write(Level level, std::string_view line);
  void info(std::string_view line) { write(Level::info, line); }
  void warn(std::string_view line) { write(Level::warn, line); }
  void error(std::string_view line) { write(Level::error, line); }

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace lockstep::daemon
