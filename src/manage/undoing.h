// Works around works: what is to be done besides, whether the call waited for its end or a job came of it. Private to manage.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "manage/jobs.h"
#include "manage/storage.h"

namespace lockstep::manage {

// When `work` fails, these groups are deleted; those that somebody uses by then stay.
[[nodiscard]] std::unique_ptr<Work> undoing(std::unique_ptr<Work> work, Storage& storage, std::vector<std::string> groups);
// When `work` is done, those of these groups (32 digits each) are deleted that nothing holds: no relationship, snapshot or rewind window.
[[nodiscard]] std::unique_ptr<Work> clearing(std::unique_ptr<Work> work, Storage& storage, std::vector<std::string> groups);

}  // namespace lockstep::manage
