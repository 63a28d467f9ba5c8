// Metrics in the text format of Prometheus. Private to manage.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "manage/manage.h"

namespace lockstep::manage {

// Families in the order in which they were first named, each with its help and type once.
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) { add(name, help, "gauge", labels, value); }
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) { add(name, help, "counter", labels, value); }
  [[nodiscard]] std::string text() const;

 private:
  struct Family {
    std::string name;
    std::string help;
    std::string type;
    std::string samples;
  };
  void add(std::string_view name, std::string_view help, std::string_view type, const Labels& labels, double value);
  std::vector<Family> families_;
};

// How long a loop's callbacks wait for their turn: seen by a call that goes there and back.
struct LoopDelay {
  std::string loop;
  double last_seconds = 0;
  double worst_seconds = 0;        // since the start
  std::uint64_t stalls = 0;        // probes that waited longer than 10 ms
};

struct MetricsFacts {
  std::vector<PoolInfo> pools;
  std::vector<VolumeInfo> volumes;
  std::vector<GroupInfo> groups;
  std::vector<replica::Report> relationships;
  std::vector<replica::PeerReport> peers;
  std::vector<Job> jobs;
  std::vector<LoopDelay> delays;
  std::uint64_t last_event = 0;
  double uptime_seconds = 0;
};
[[nodiscard]] std::string metrics_text(const MetricsFacts& facts);

}  // namespace lockstep::manage
