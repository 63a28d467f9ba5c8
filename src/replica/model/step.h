// Step: what one end may be asked to do for an operation. Numbers travel (Act.kind in wire.proto).
#pragma once

#include <cstdint>

namespace lockstep::replica {

enum class Step : std::uint8_t {
  rest = 1,           // nothing flows; `intent` says in which state. Source or target
  flow = 2,           // flows again
  drain = 3,          // source: the target is durable past all that was written before
  demote = 4,         // source: drained and closed to hosts
  take_back = 5,      // source: undoes demote
  promote = 6,        // target: open to hosts in a generation of its own; `intent`. `keeps`: when it was failed over, for this is no failover
  become_source = 7,  // target, open to hosts: is the source from here on
  become_target = 8,  // source: follows from here on; what only it has is kept under `name`
  yield = 9,          // target, open to hosts: follows again; what only it has is kept under `name`
  configure = 10,     // settings
  forget = 11,        // the relationship ends here
  look = 12,          // how things stand: nothing is changed
  unsure = 13,        // source, demoted: whether the target was opened is not known; the next contact tells
  point = 14,         // source of a point-in-time type: the instant is now
  drop_point = 15,    // source of such a type: no instant is held for the target any more
  discard = 16,       // target: the relationship ends here, group and volumes are deleted
  // Pairs, `pairs` in every case; harmless when repeated. While the target copies, or a group has another relationship: `busy`.
  leave = 17,         // they leave. `keeps`: each in a group of its own, to be replicated on. Target first
  admit = 18,         // source: those of the relationship `with` are this one's from one LSN on; that one is gone here. Source first
  join = 19,          // target: likewise
};
inline constexpr Step last_step = Step::join;

}  // namespace lockstep::replica
