// What jobs about relationships do. Private to manage.
#pragma once

#include <functional>

#include "manage/jobs.h"

namespace lockstep::manage {

// Makes the relationship, then waits until it is what the caller asked for.
[[nodiscard]] std::unique_ptr<Work> creating(replica::Engine& engine, replica::CreateRequest request);
// How long a call that makes a replica waits for it itself.
[[nodiscard]] Jobs::Patience patience_for(replica::SyncType type, replica::Mode mode, std::optional<Duration> at_most);
// A token is brought to the system that has the group; what becomes of it is waited for here.
[[nodiscard]] std::unique_ptr<Work> using_token(replica::Engine& engine, replica::TokenUse use);
// One operation, to its end state; `awaited`: what a restart would wait for.
[[nodiscard]] std::unique_ptr<Work> operating(replica::Engine& engine, RelationshipId relationship, std::string name, replica::Operation operation, std::optional<Awaited> awaited);
// One operation of some pairs.
[[nodiscard]] std::unique_ptr<Work> operating_pairs(replica::Engine& engine, RelationshipId relationship, std::string name, replica::Operation operation, std::vector<VolumeUuid> volumes);
// Both ends compared; the result says in a line what was found.
[[nodiscard]] std::unique_ptr<Work> verifying(replica::Engine& engine, RelationshipId relationship, std::string name, replica::VerifyRequest request);
// After a restart.
[[nodiscard]] std::unique_ptr<Work> awaiting(replica::Engine& engine, Awaited awaited);

}  // namespace lockstep::manage
