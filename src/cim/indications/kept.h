// Subscriptions on disk: DATA/cim-subscriptions.xml, written whole, replaced in one step (docs/formats/cim-subscriptions.md). Private to cim.
#pragma once

#include <string>
#include <vector>

#include "cim/provider.h"

namespace lockstep::cim {

// Worker jobs only. No file: no subscriptions. `corrupt` when it is not what was written here.
Result<std::vector<Instance>> read_kept(os::Files& files, const std::string& path);
// After it the subscriptions survive a power cut.
Result<> write_kept(os::Files& files, const std::string& path, const std::vector<Instance>& instances);

}  // namespace lockstep::cim
