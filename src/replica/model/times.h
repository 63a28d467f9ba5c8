// Times: which of a relationship's times an operation notes, and which it leaves as they were. Read by the tests that walk every
// operation, and by the page for people.
#pragma once

#include <string>
#include <string_view>

#include "replica/model/states.h"

namespace lockstep::replica {

struct Noted {
  bool activated = false;     // the flow began (again); of a point in time: the point was taken
  bool synchronized = false;  // CopyState became Synchronized
  bool suspended = false;     // CopyState became Suspended
  bool failed_over = false;   // CopyState became Failedover

  constexpr bool operator==(const Noted&) const = default;
};

// What `operation` notes that was accepted in `state` and has come to its end. An operation that is refused, or is so already, notes
// nothing; when_established is noted once, at creation.
[[nodiscard]] Noted noted_by(SyncType type, Operation operation, CopyState state) noexcept;
[[nodiscard]] std::string text_of(const Noted& noted);  // "activated, synchronized"; "–"

}  // namespace lockstep::replica
