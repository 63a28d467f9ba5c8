// What may be asked of a new volume. Private to cim.
#pragma once

#include "cim/methods/invocation.h"

namespace lockstep::cim::model {

inline constexpr std::uint64_t smallest_volume = sector_size;               // bytes
inline constexpr std::uint64_t largest_volume = std::uint64_t{1} << 50;     // bytes: volumes are thin

// Codes that only the methods of pools and volumes have.
enum SizeCode : std::uint32_t {
  size_not_supported = 4097, in_use = 6, new_size_is_equal = 40316, no_shrinking = 40317, size_or_maximum = 40320, size_is_zero = 40321, no_such_goal = 40604,
  bad_package_redundancy = 40605, bad_data_redundancy = 40606, bad_parity = 40607, no_pool_found = 40609, holds_volumes = 40811,
};

// NoSinglePointOfFailure, PackageRedundancyGoal, DataRedundancyGoal, ParityLayout, ThinlyProvisioned. Without a refusal: all can be had.
[[nodiscard]] Done check_goals(const Invocation& call);
// A size that cannot be had is answered with the nearest larger one, in the parameter.
[[nodiscard]] Done check_size(std::string_view parameter, std::uint64_t bytes);

// Makes the volume in `pool`, named by ElementName or made up; CreatedStorageVolume and Size are set.
rt::Task<Done> make_volume_in(Invocation& call, std::string pool, std::uint64_t bytes);

}  // namespace lockstep::cim::model
