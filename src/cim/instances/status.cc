#include "cim/instances/status.h"

#include "cim/model/build.h"

namespace lockstep::cim::model {

namespace {

unsigned rank(Health health) {
  switch (health) {
    case Health::healthy: return 0;
    case Health::unknown: return 1;
    case Health::warning: return 2;
    case Health::unhealthy: return 3;
  }
  return 3;
}

}  // namespace

Condition worse(Condition a, Condition b) { return rank(b.health) > rank(a.health) ? b : a; }

Condition condition_of(const manage::PoolInfo& pool) {
  if (pool.error) return {Health::unhealthy, Operational::stopped, "pool '" + pool.status.name + "' is not open: " + pool.error->message};
  if (pool.status.stopped) return {Health::unhealthy, Operational::stopped, "pool '" + pool.status.name + "' stopped: " + pool.status.stopped->message};
  if (pool.status.damage) return {Health::unhealthy, Operational::error, "pool '" + pool.status.name + "' can only be read: " + *pool.status.damage};
  return {};
}

Condition condition_of(const replica::Report& report) {
  const std::string name = "relationship '" + report.relationship.name + "'";
  std::string why = report.cause.empty() ? "" : ": " + report.cause;
  if (!report.conflict.empty()) return {Health::unhealthy, Operational::error, name + ": " + report.conflict};
  if (report.copy_state == replica::CopyState::broken) return {Health::unhealthy, Operational::error, name + " is Broken" + why};
  if (report.copy_state == replica::CopyState::failedover) return {Health::warning, Operational::degraded, name + " is Failedover" + why};
  if (report.copy_state == replica::CopyState::mixed) return {Health::warning, Operational::degraded, name + " is Mixed" + why};
  if (report.rpo_violated) return {Health::warning, Operational::degraded, name + " is behind its RecoveryPointObjective" + why};
  if (report.copy_state == replica::CopyState::unsynchronized && report.relationship.when_synchronized.us != 0)
    return {Health::warning, Operational::degraded, name + " catches up" + why};
  return {};
}

Condition condition_of_system(const Facts& facts) {
  Condition out;
  for (const manage::PoolInfo& pool : facts.pools) out = worse(out, condition_of(pool));
  if (out.health == Health::unhealthy) out = {Health::unhealthy, Operational::degraded, out.cause};   // the system itself goes on
  return out;
}

Value health_value(Health health) { return number(static_cast<std::uint16_t>(health)); }
Value operational_value(Operational operational) { return numbers({static_cast<std::uint16_t>(operational)}); }

std::string_view name_of(Operational operational) noexcept {
  switch (operational) {
    case Operational::ok: return "OK";
    case Operational::degraded: return "Degraded";
    case Operational::error: return "Error";
    case Operational::stopped: return "Stopped";
    case Operational::no_contact: return "No Contact";
    case Operational::dormant: return "Dormant";
    case Operational::completed: return "Completed";
  }
  return "Error";
}

}  // namespace lockstep::cim::model
