#include "daemon/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace lockstep::daemon {
namespace {

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Priorities as sd-daemon(3) names them.
const char* priority_of(Level level) {
  switch (level) {
    case Level::debug: return "<7>";
    case Level::info: return "<6>";
    case Level::warn: return "<4>";
    case Level::error: return "<3>";
  }
  return "<6>";
}

}  // namespace

// Lines are formatted and written on a thread of the log's own: a slow terminal holds up no loop. When its queue is full, the oldest go.
struct Log::Sink {
  std::shared_ptr<spdlog::details::thread_pool> thread = std::make_shared<spdlog::details::thread_pool>(8192, 1);
  std::shared_ptr<spdlog::async_logger> logger =
      std::make_shared<spdlog::async_logger>("lockstepd", std::make_shared<spdlog::sinks::stderr_sink_mt>(), thread, spdlog::async_overflow_policy::overrun_oldest);
  bool to_journal = std::getenv("JOURNAL_STREAM") != nullptr;
};

Log::Log(const std::string& least) : sink_(std::make_unique<Sink>()) {
  sink_->logger->set_level(spdlog::level::from_str(least == "error" ? "err" : least == "warn" ? "warning" : least));
  sink_->logger->set_pattern(sink_->to_journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e %l %v");
  sink_->logger->flush_on(spdlog::level::info);
}

Log::~Log() { sink_->logger->flush(); }

void Log::write(Level level, std::string_view line) {
  if (sink_->to_journal) sink_->logger->log(level_of(level), "{}{}", priority_of(level), line);
  else sink_->logger->log(level_of(level), "{}", line);
}

}  // namespace lockstep::daemon
