// MSFT_SMJob, and what each works on.
#include <chrono>
#include <set>

#include "cim/instances/families.h"
#include "cim/instances/status.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::uint64_t utc = 2;

std::vector<std::uint64_t> operational(const manage::Job& job) {
  auto as_number = [](Operational value) { return std::uint64_t{static_cast<std::uint16_t>(value)}; };
  if (!manage::ended(job.state)) return {as_number(Operational::ok)};
  if (job.state == manage::JobState::completed) return {as_number(Operational::completed), as_number(Operational::ok)};
  if (job.state == manage::JobState::terminated) return {as_number(Operational::stopped)};
  return {as_number(Operational::completed), as_number(Operational::error)};
}

std::string error_text(const manage::Refusal& refusal) { return refusal.next_step.empty() ? refusal.message : refusal.message + " " + refusal.next_step; }

Instance job(const Facts& facts, std::size_t index) {
  const manage::Job& job = facts.jobs[index];
  WallTime until = manage::ended(job.state) ? job.ended : facts.now;
  Builder b(job_class);
  b.set("ObjectId", text(id_of(job.id))).set("Description", text(job.what));
  if (job.started.us != 0) b.set("ElapsedTime", interval(std::chrono::microseconds(until.us - job.started.us)));
  b.set("ErrorCode", number(job.error ? static_cast<std::uint32_t>(job.error->code) : 0));
  if (job.error) b.set("ErrorDescription", text(error_text(*job.error)));
  b.set("JobState", number(static_cast<std::uint16_t>(job.state)));
  b.set("JobStatus", text(job.error ? job.error->message : std::string(manage::name_of(job.state)))).set("LocalOrUtcTime", number(utc));
  std::vector<std::uint64_t> status = operational(job);
  std::vector<std::string> names;
  for (std::uint64_t one : status) names.emplace_back(name_of(static_cast<Operational>(one)));
  b.set("OperationalStatus", numbers(status)).set("PercentComplete", number(job.percent)).set("StartTime", time(job.started));
  b.set("StatusDescriptions", texts(std::move(names)));
  b.set("TimeBeforeRemoval", interval(facts.options.jobs_kept)).set("TimeOfLastStateChange", time(job.changed)).set("TimeSubmitted", time(job.submitted));
  return b.take();
}

}  // namespace

void add_jobs(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  for (std::size_t i = 0; i < facts.jobs.size(); ++i) {
    const manage::Job& one = facts.jobs[i];
    std::string id = id_of(one.id);
    frozen.add(job_class, id, job, i);
    std::set<std::string> pools;   // a local relationship is there twice
    for (const replica::Report& report : facts.reports) {
      const replica::Relationship& r = report.relationship;
      if (r.name != one.object && r.name != one.result) continue;
      pools.insert(id_of(r.pool));
      for (const auto& [volume, far] : r.pairs) frozen.link("MSFT_SMJobToStorageVolume", id, id_of(volume));
    }
    for (const std::string& pool : pools) frozen.link("MSFT_SMJobToPool", id, pool);
  }
}

}  // namespace lockstep::cim::model
