// Jobs as tasks.
#include "rest/relationship.h"

namespace lockstep::rest {

namespace {

json::object task_body(const manage::Job& job) {
  std::string id = text_of(job.id);
  json::object body;
  body["@odata.id"] = task_path(id);
  body["@odata.type"] = "#Task.v1_7_4.Task";
  body["Id"] = id;
  body["Name"] = job.what;
  body["TaskState"] = manage::name_of(job.state);
  body["TaskStatus"] = job.error ? "Critical" : "OK";
  body["PercentComplete"] = job.percent;
  body["StartTime"] = time_text(job.started.us != 0 ? job.started : job.submitted);
  if (job.ended.us != 0) body["EndTime"] = time_text(job.ended);
  if (!manage::ended(job.state)) body["TaskMonitor"] = monitor_path(id);
  json::array messages;
  if (job.error) messages.push_back(message_of(*job.error));
  body["Messages"] = std::move(messages);
  json::object oem;
  oem["Object"] = job.object;
  oem["DoneBytes"] = bytes(job.done);
  oem["TotalBytes"] = bytes(job.total);
  oem["JobState"] = static_cast<std::uint16_t>(job.state);
  oem["ErrorCode"] = job.error ? static_cast<std::uint32_t>(job.error->code) : 0;
  oem["Result"] = text_or_null(job.result);
  oem["Cancellable"] = job.cancellable;
  oem["Submitted"] = time_text(job.submitted);
  oem["Changed"] = time_text(job.changed);
  body["Oem"] = {{"Lockstep", std::move(oem)}};
  return body;
}

std::optional<manage::Job> find(Call& call) {
  for (manage::Job& job : call.system.jobs())
    if (text_of(job.id) == call.ids[0]) return std::move(job);
  return std::nullopt;
}

// As it is, or, with ?wait, when something about it changed.
rt::Task<std::optional<manage::Job>> look(Call& call) {
  std::optional<manage::Job> job = find(call);
  Duration wait = wait_of(call.request);
  if (!job || wait == Duration{0}) co_return job;
  manage::Answer<manage::Job> later = co_await call.system.wait_job(job->id, wait, true);
  if (later) co_return *std::move(later);
  co_return std::nullopt;
}

Reply accepted(const manage::Job& job) {
  Reply reply = ok(task_body(job));
  reply.status = 202;
  reply.fields.push_back({"Location", monitor_path(text_of(job.id))});
  reply.fields.push_back({"Retry-After", "1"});
  return reply;
}

rt::Task<Reply> get_service(Call&) {
  json::object body;
  body["@odata.id"] = "/redfish/v1/TaskService";
  body["@odata.type"] = "#TaskService.v1_2_1.TaskService";
  body["Id"] = "TaskService";
  body["Name"] = "Tasks";
  body["ServiceEnabled"] = true;
  body["CompletedTaskOverWritePolicy"] = "Oldest";
  body["LifeCycleEventOnTaskStateChange"] = true;
  body["TaskAutoDeleteTimeoutMinutes"] = 5;
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  body["Tasks"] = link("/redfish/v1/TaskService/Tasks");
  co_return ok(std::move(body));
}

rt::Task<Reply> get_tasks(Call& call) {
  std::vector<json::object> members;
  for (const manage::Job& job : call.system.jobs()) members.push_back(task_body(job));
  co_return collection(call, "TaskCollection", "Tasks", "/redfish/v1/TaskService/Tasks", std::move(members));
}

rt::Task<Reply> get_task(Call& call) {
  std::optional<manage::Job> job = co_await look(call);
  if (!job) co_return no_such_object(call);
  co_return ok(task_body(*job));
}

// While it runs, the task; then what the call itself would have answered.
rt::Task<Reply> get_monitor(Call& call) {
  std::optional<manage::Job> job = co_await look(call);
  if (!job) co_return no_such_object(call);
  if (!manage::ended(job->state)) co_return accepted(*job);
  if (job->error) co_return refused(*job->error);
  if (job->result.empty()) co_return no_content();
  if (manage::PoolAndName made = manage::split_name(job->result); !made.pool.empty()) co_return created(group_path(made.pool, made.name), task_body(*job));
  if (!find_relationship(call, job->result)) co_return ok(task_body(*job));   // what was found, not what was made
  co_return created(relationship_path(job->result), task_body(*job));
}

rt::Task<Reply> delete_task(Call& call) {
  std::optional<manage::Job> job = find(call);
  if (!job) co_return no_such_object(call);
  manage::Answer<> done = co_await call.system.cancel_job(call.caller, job->id);
  if (!done) co_return refused(done.error());
  std::optional<manage::Job> later = find(call);
  co_return accepted(later ? *later : *job);
}

constexpr Route routes[] = {
    {.pattern = "TaskService", .get = get_service},
    {.pattern = "TaskService/Tasks", .get = get_tasks},
    {.pattern = "TaskService/Tasks/*", .get = get_task, .remove = delete_task},
    {.pattern = "TaskService/TaskMonitors/*", .get = get_monitor, .remove = delete_task},
};

}  // namespace

std::span<const Route> task_routes() { return routes; }

Reply outcome_reply(Call& call, const manage::Outcome& outcome, Reply done) {
  if (!outcome.job) return done;
  for (const manage::Job& job : call.system.jobs())
    if (job.id == *outcome.job) return accepted(job);
  return done;
}

}  // namespace lockstep::rest
