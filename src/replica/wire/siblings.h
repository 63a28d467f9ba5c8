// Siblings: the other targets of one source. A target knows of them from its source; when the source is gone, whoever
// opens this one is told which of them has more.
#pragma once

#include <vector>

#include "base/base.h"
#include "replica/model/history.h"
#include "replica/model/sibling.h"
#include "replica/wire/wire.pb.h"

namespace lockstep::replica {

inline constexpr int siblings_most = 32;

[[nodiscard]] std::vector<Sibling> siblings_from(const google::protobuf::RepeatedPtrField<wire::Sibling>& from);
void put(const std::vector<Sibling>& from, google::protobuf::RepeatedPtrField<wire::Sibling>& into);

// What a target that was asked itself, or that the source told of, has beyond `here`: false when it is not on the same
// way, or not further on it.
[[nodiscard]] bool is_ahead(const Past& here, const Past& there);

}  // namespace lockstep::replica
