// History: which writes a group has behind it, said without naming any of them: generations, their parents,
// and a position.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "store/store.h"

namespace lockstep::replica {

struct Past {
  std::vector<store::HistoryEntry> history;  // oldest first; may hold dead branches
  Origin position;                           // none: nothing was ever written
  bool operator==(const Past& other) const;
};

// The stretches that lead to the position, newest first: each generation with the last LSN of it that counts.
// Branches that were left are not among them. Bounded by the history's length, whatever a peer sends.
[[nodiscard]] std::vector<Origin> stretches(const Past& past);

// `origin` lies on the way to the position.
[[nodiscard]] bool passed(const Past& past, Origin origin);

// `later` is `earlier` or comes after it, both on the way to the position.
[[nodiscard]] bool not_before(const Past& past, Origin later, Origin earlier);

// The last position that both have behind them. None: they never had anything in common.
[[nodiscard]] std::optional<Origin> last_common(const Past& a, const Past& b);

// "a:10 b:25": generation a up to its 10, then b, at its 25. "-": nothing yet. Generations are shown by their
// first 8 hex digits.
[[nodiscard]] std::string text_of(const Past& past);

}  // namespace lockstep::replica
