// Task: work that outlives its call. Waits for the end with a progress bar, or hands back at once.
#pragma once

#include "cli/context.h"

namespace lockstep::cli {

struct Waiting {
  bool wait = true;
};

[[nodiscard]] Json job_of(const Json& task);   // a task as this command shows jobs

// `answer` may be a task (after status 202): waits for it when asked to, and fails as it failed. The finished task, or the answer itself.
[[nodiscard]] Result<Json> finish(Context& context, Json answer, Waiting waiting);

// Until the task `id` has ended, drawing when standard error is a terminal.
[[nodiscard]] Result<Json> wait_for_task(Context& context, const std::string& id);

}  // namespace lockstep::cli
