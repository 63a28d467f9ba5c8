// States: which operation is legal in which CopyState, and where it leads. One table per SyncType; what is
// enforced and what is advertised both come from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "replica/model/model.h"

namespace lockstep::replica {

struct Cell {
  enum class Kind : std::uint8_t {
    not_offered,  // the type does not know the operation at all (return code 1)
    refused,      // wrong state (return code 4)
    no_op,        // already there: success, nothing happens
    leads,        // ends in `to`
    copies,       // passes Unsynchronized, ends in `to`
    gone,         // the relationship ends
    configures,   // accepted, CopyState unchanged
  };
  Kind kind = Kind::refused;
  CopyState to = CopyState::not_applicable;
  bool force = false;  // only for a caller who accepts that the target becomes inconsistent or loses writes
  bool reversed = false;  // roles are swapped afterwards

  constexpr bool operator==(const Cell&) const = default;
};

inline constexpr CopyState first_column =
    CopyState::initialized;  // columns are the CopyStates 2 to 13, in their order
inline constexpr CopyState last_column = CopyState::skewed;

[[nodiscard]] Cell cell(SyncType type, Operation operation, CopyState state) noexcept;
[[nodiscard]] std::string text_of(const Cell& cell);  // as written in the table: "3>4", "F 10", "cfg", "x"

// The cell when the operation may go on (or is a no-op); else unsupported with what is offered, or busy with the present state,
// every legal one, and what to do instead (advice.h).
[[nodiscard]] Result<Cell> check(SyncType type, Operation operation, CopyState state, bool force);

// Of group operations: they make sense for a group only, and are not offered for a pair.
[[nodiscard]] bool group_only(Operation operation) noexcept;
// For one pair of a relationship that has several. Writes of all pairs keep one order, so no pair stops, starts or turns alone:
// what would part it from the others is refused; it may leave them (Detach, Dissolve).
[[nodiscard]] Cell pair_cell(SyncType type, Operation operation, CopyState state) noexcept;
[[nodiscard]] Result<Cell> check_pair(SyncType type, Operation operation, CopyState state);

// What hosts may do with the target. `whole`: it holds a state of its source (once Synchronized, always: what a copy
// leaves unfinished gives way to the state before it).
enum class Access : std::uint8_t { none, read, read_write };
[[nodiscard]] Access target_access(SyncType type, CopyState state, bool whole) noexcept;
[[nodiscard]] std::string_view name_of(Access access) noexcept;

// docs/states.md, as these tables say it.
[[nodiscard]] std::string states_page();

// For GetSupported*: operations that are legal in some state; states in which `operation` does something.
[[nodiscard]] std::vector<Operation> operations_of(SyncType type);
[[nodiscard]] std::vector<CopyState> states_allowing(SyncType type, Operation operation, bool force);

}  // namespace lockstep::replica
