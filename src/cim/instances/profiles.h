// What this server follows. Private to cim.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cim/provider.h"

namespace lockstep::cim::model {

struct Profile {
  std::string_view id;                 // of the registration
  std::uint64_t organization;          // 1 Other, 2 DMTF
  std::string_view organization_name;  // where it is Other
  std::string_view name, version;
};
inline constexpr std::array<Profile, 3> profiles = {{
    {"Lockstep:StorageManagement:1.0.0", 1, "Lockstep", "Storage Management", "1.0.0"},
    {"DMTF:ProfileRegistration:1.0.0", 2, "DMTF", "Profile Registration", "1.0.0"},
    {"DMTF:Indications:1.2.0", 2, "DMTF", "Indications", "1.2.0"},
}};

[[nodiscard]] inline std::vector<std::string> profile_names() {
  std::vector<std::string> out;
  for (const Profile& profile : profiles) out.push_back(std::string(profile.organization_name) + ":" + std::string(profile.name));
  return out;
}
[[nodiscard]] inline std::vector<std::string> name_spaces() { return {std::string(interop_name_space), std::string(storage_name_space)}; }

}  // namespace lockstep::cim::model
