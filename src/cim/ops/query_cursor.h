// What a query selects in a name space. Private to cim.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cim/ops/call.h"
#include "cim/query/query.h"

namespace lockstep::cim {

struct Selection {
  const Class* cls = nullptr;
  std::shared_ptr<const Query> query;
  Shown shown;                       // its columns
};
[[nodiscard]] CimAnswer<Selection> selection_of(const Call& call, const std::optional<std::string>& language, const std::optional<std::string>& text);

}  // namespace lockstep::cim
