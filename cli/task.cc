#include "cli/task.h"

#include <unistd.h>

#include <cstdio>

#include "cli/text.h"

namespace lockstep::cli {
namespace {

bool ended(const Json& task) {
  std::string state = task.value("TaskState", "");
  return state == "Completed" || state == "Cancelled" || state == "Exception" || state == "Killed";
}

void draw(const Json& task) {
  if (isatty(STDERR_FILENO) != 1) return;
  Json job = job_of(task);
  double percent = job["percent"].get<double>();
  std::uint64_t total = job["total_bytes"].get<std::uint64_t>();
  std::string bytes = total ? "  " + size_text(job["done_bytes"].get<std::uint64_t>()) + " of " + size_text(total) : "";
  std::fprintf(stderr, "\r\033[K%s %3.0f %%%s  %s", bar(percent, 30).c_str(), percent, bytes.c_str(), job["what"].get<std::string>().c_str());
  if (ended(task)) std::fputc('\n', stderr);
  std::fflush(stderr);
}

std::string error_of(const Json& task) {
  for (const Json& message : task.value("Messages", Json::array())) {
    std::string text = message.value("Message", "");
    std::string next = message.value("Resolution", "");
    return next.empty() ? text : text + "; " + next;   // one line: it is a field of a job
  }
  return "job " + task.value("Id", "") + " ended as " + task.value("TaskState", "");
}

// As an error: the message, below it what to do.
Error failure_of(const Json& task) {
  std::string state = task.value("TaskState", "");
  if (state != "Exception") return Error{Code::cancelled, "job " + task.value("Id", "") + " ended as " + state + "\nAsk for it again if it is still wanted."};
  for (const Json& message : task.value("Messages", Json::array())) {
    Code code = Code::busy;
    if (message.contains("Oem") && message["Oem"].value("Lockstep", Json::object()).value("ReturnCode", 0u) == 46001) code = Code::unreachable;
    return Error{code, message.value("Message", "") + "\n" + message.value("Resolution", "See the log of the system.")};
  }
  return Error{Code::busy, error_of(task) + "\nSee the log of the system."};
}

}  // namespace

Json job_of(const Json& task) {
  Json more = task.contains("Oem") ? task["Oem"].value("Lockstep", Json::object()) : Json::object();
  Json job;
  job["id"] = task.value("Id", "");
  job["what"] = task.value("Name", "");
  job["object"] = more.value("Object", "");
  job["state"] = task.value("TaskState", "");
  job["percent"] = task.contains("PercentComplete") && task["PercentComplete"].is_number() ? task["PercentComplete"] : Json(0);
  job["done_bytes"] = more.value("DoneBytes", std::uint64_t{0});
  job["total_bytes"] = more.value("TotalBytes", std::uint64_t{0});
  job["started"] = task.value("StartTime", Json());
  job["ended"] = task.value("EndTime", Json());
  job["result"] = more.value("Result", Json());
  job["return_code"] = more.value("ErrorCode", Json(0));
  if (job["state"] == "Exception") job["error"] = error_of(task);
  return job;
}

Result<Json> wait_for_task(Context& context, const std::string& id) {
  const std::string path = "/redfish/v1/TaskService/Tasks/" + id;
  for (;;) {
    TRY(Json task, context.get(path + "?wait=10"));
    draw(task);
    if (!ended(task)) continue;
    std::string state = task.value("TaskState", "");
    if (state == "Completed") return task;
    return fail(failure_of(task));
  }
}

Result<Json> finish(Context& context, Json answer, Waiting waiting) {
  if (context.last_status != 202 || !waiting.wait) return answer;
  return wait_for_task(context, answer.value("Id", ""));
}

}  // namespace lockstep::cli
