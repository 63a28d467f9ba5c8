#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/task.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

const std::string tasks = "/redfish/v1/TaskService/Tasks";

Result<> print(Context& context, const Json& job) {
  if (context.json) {
    std::cout << job.dump(2) << '\n';
    return {};
  }
  std::vector<std::vector<std::string>> rows{{"job", job["id"]}, {"what", job["what"]}, {"object", job["object"]}, {"state", job["state"]}, {"percent", job["percent"].dump()}};
  if (job["total_bytes"].get<std::uint64_t>()) rows.push_back({"bytes", size_text(job["done_bytes"]) + " of " + size_text(job["total_bytes"])});
  if (job.contains("error")) rows.push_back({"error", job["error"]});
  std::cout << table(rows);
  return {};
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(tasks));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"ID", "STATE", "DONE", "WHAT"}};
  for (const Json& resource : resources) {
    Json job = job_of(resource);
    rows.push_back({job["id"], job["state"], job["percent"].dump() + " %", job["what"]});
    all.push_back(std::move(job));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> show(Context& context, const std::string& id) {
  TRY(Json task, context.get(tasks + "/" + id_in_url(id)));
  return print(context, job_of(task));
}

Result<> wait(Context& context, const std::string& id) {
  TRY(Json task, wait_for_task(context, id_in_url(id)));
  return print(context, job_of(task));
}

Result<> cancel(Context& context, const std::string& id) {
  TRY_VOID(context.remove(tasks + "/" + id_in_url(id)));
  std::cout << (context.json ? "{}\n" : "job " + id + " was asked to stop\n");
  return {};
}

}  // namespace

void add_job(CLI::App& app, Context& context) {
  auto id = std::make_shared<std::string>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("job", "Work that goes on");
  noun->require_subcommand(1);
  add_verb(context, *noun, "list", "All jobs; ended ones are kept for 5 minutes", "job list", [&context] { return list(context); });
  add_verb(context, *noun, "show", "One job", "job show 4f0c...", [&context, id] { return show(context, *id); })->add_option("id", *id, "Job")->required();
  add_verb(context, *noun, "wait", "Wait until a job has ended", "job wait 4f0c...", [&context, id] { return wait(context, *id); })->add_option("id", *id, "Job")->required();
  add_verb(context, *noun, "cancel", "Ask a job to stop", "job cancel 4f0c...", [&context, id] { return cancel(context, *id); })->add_option("id", *id, "Job")->required();
}

}  // namespace lockstep::cli
