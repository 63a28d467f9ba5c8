#include "daemon/log.h"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace lockstep::daemon {

namespace {

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// syslog's priority in front of each line, as sd-daemon(3) has it.
class Priority final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& into) override {
    const char* text = message.level >= spdlog::level::err ? "<3>" : message.level == spdlog::level::warn ? "<4>" : message.level == spdlog::level::info ? "<6>" : "<7>";
    into.append(text, text + 3);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Priority>(); }
};

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> the_logger;
  return the_logger;
}

}  // namespace

void open_log(std::string_view level) {
  spdlog::init_thread_pool(8192, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  logger() = std::make_shared<spdlog::async_logger>("lockstepd", sink, spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  if (std::getenv("JOURNAL_STREAM")) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<Priority>('*').set_pattern("%*%v");
    logger()->set_formatter(std::move(formatter));
  } else {
    logger()->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
  }
  logger()->set_level(level == "debug" ? spdlog::level::debug : level.starts_with("warn") ? spdlog::level::warn : level == "error" ? spdlog::level::err : spdlog::level::info);
  logger()->flush_on(spdlog::level::warn);
  spdlog::flush_every(std::chrono::seconds(1));
  spdlog::register_logger(logger());
}

void close_log() {
  logger().reset();
  spdlog::shutdown();
}

void log(Level level, std::string_view text) {
  if (logger()) logger()->log(level_of(level), "{}", text);
}

}  // namespace lockstep::daemon
