// MSFT_SMSystem: what a job made. Jobs here make replicas; a job that made nothing of the kind is answered with Not Found.
#include "cim/methods/replicas.h"
#include "cim/methods/resolve.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::uint32_t not_found = 6;   // the number that these methods have for it

Answer<VolumeUuid> volume_of_job(const Invocation& call) {
  const ObjectPath* path = call.in.reference("Job");
  if (!path) return std::unexpected(manage::Refusal{manage::ReturnCode::invalid_parameter, "Job is missing", "Name the job.", "Job", Code::invalid});
  TRY(const manage::Job* job, job_at(call, *path, "Job"));
  std::optional<replica::Report> report = report_named(call.system, job->result.empty() ? job->object : job->result);
  if (!report || report->relationship.pairs.empty())
    return std::unexpected(manage::Refusal{manage::ReturnCode::not_found, "job '" + job->what + "' has made no volume", "Name a job that makes one.", "Job", Code::not_found});
  return report->relationship.pairs.front().second;
}

Done refused_here(manage::Refusal refusal) { return refusal.code == manage::ReturnCode::not_found ? refused(not_found, std::move(refusal)) : refused(std::move(refusal)); }

rt::Task<Done> volume_id(Invocation& call) {
  Answer<VolumeUuid> volume = volume_of_job(call);
  if (!volume) co_return refused_here(volume.error());
  Done done;
  done.set("StorageVolumeObjectId", text(id_of(*volume)));
  co_return done;
}

// Name as MSFT_SMStorageVolume has it.
rt::Task<Done> volume_name(Invocation& call) {
  Answer<VolumeUuid> volume = volume_of_job(call);
  if (!volume) co_return refused_here(volume.error());
  Done done;
  done.set("StorageVolumeName", text(text_of(*volume)));
  co_return done;
}

Done nothing_of_the_kind(const Invocation& call, std::string_view what) {
  const ObjectPath* path = call.in.reference("Job");
  if (!path) return bad("Job", "Job is missing", "Name the job.");
  Answer<const manage::Job*> job = job_at(call, *path, "Job");
  if (!job) return refused_here(job.error());
  return refused(not_found, "Job", "job '" + (*job)->what + "' has made no " + std::string(what));
}
rt::Task<Done> pool_id(Invocation& call) { co_return nothing_of_the_kind(call, "pool"); }
rt::Task<Done> storage_group_id(Invocation& call) { co_return nothing_of_the_kind(call, "storage group"); }

constexpr MethodEntry entries[] = {
    {system_class, "GetStorageVolumeObjectIdFromJob", volume_id},
    {system_class, "GetStorageVolumeNameFromJob", volume_name},
    {system_class, "GetPoolObjectIdFromJob", pool_id},
    {system_class, "GetStorageGroupObjectIdFromJob", storage_group_id},
};

}  // namespace

std::span<const MethodEntry> job_methods() { return entries; }

}  // namespace lockstep::cim::model
