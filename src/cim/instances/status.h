// Status: numbers of HealthStatus and OperationalStatus, and how relationships and pools come to them. Private to cim.
#pragma once

#include <string>

#include "cim/model/facts.h"
#include "cim/value.h"

namespace lockstep::cim::model {

enum class Health : std::uint16_t { healthy = 0, warning = 1, unhealthy = 2, unknown = 5 };
enum class Operational : std::uint16_t { ok = 2, degraded = 3, error = 6, stopped = 10, no_contact = 12, dormant = 15, completed = 17 };

struct Condition {
  Health health = Health::healthy;
  Operational operational = Operational::ok;
  std::string cause;      // empty: all is well
};

[[nodiscard]] Condition condition_of(const manage::PoolInfo& pool);
[[nodiscard]] Condition condition_of(const replica::Report& report);
[[nodiscard]] Condition condition_of_system(const Facts& facts);
[[nodiscard]] Condition worse(Condition a, Condition b);

[[nodiscard]] Value health_value(Health health);
[[nodiscard]] Value operational_value(Operational operational);
[[nodiscard]] std::string_view name_of(Operational operational) noexcept;

}  // namespace lockstep::cim::model
