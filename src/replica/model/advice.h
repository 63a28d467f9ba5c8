// Advice: what to do with a relationship instead of what was refused, out of the tables of states. Pure. Texts have no full stop at
// their end and no semicolon in them: they stand behind "; " in a message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "replica/model/states.h"

namespace lockstep::replica {

// After `wanted` was refused in `state`: which operation leads to where it is legal, and what is legal now. Never empty.
[[nodiscard]] std::string instead_of(Operation wanted, SyncType type, CopyState state);
// The same of one pair of a relationship that has several.
[[nodiscard]] std::string instead_of_pair(Operation wanted, SyncType type, CopyState state);

// What leads from one CopyState to another by itself, roles as they are.
[[nodiscard]] std::vector<Operation> operations_towards(SyncType type, CopyState from, CopyState to);

// "Detach, Dissolve or Split", "Broken (5) or Split (7)".
[[nodiscard]] std::string listed(const std::vector<Operation>& operations, std::string_view last);
[[nodiscard]] std::string listed(const std::vector<CopyState>& states, std::string_view last);
[[nodiscard]] std::string numbered(CopyState state);  // "Split (7)"

}  // namespace lockstep::replica
