// Relationships as resources, and the call that makes one. Private to rest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rest/call.h"

namespace lockstep::rest {

[[nodiscard]] json::object relationship_body(const Call& call, const replica::Report& report);
[[nodiscard]] json::object verification_body(const replica::VerifyReport& report);
[[nodiscard]] json::object forecast_body(const replica::Forecast& forecast);

// Each relationship once: of a local one, its source.
[[nodiscard]] std::vector<replica::Report> relationships_once(Call& call);
[[nodiscard]] std::optional<replica::Report> find_relationship(Call& call, const std::string& name);

// CreateReplica as docs/rest.md has it. `group`: from the address; empty: from the body.
rt::Task<Reply> post_create_replica(Call& call, std::string group);
// Runs what was asked for and answers 201 with the relationship, or 202.
rt::Task<Reply> create_replica_reply(Call& call, manage::CreateReplica request);
rt::Task<Reply> made_replica_reply(Call& call, manage::Answer<manage::Outcome> outcome);
// One of the operations 2 to 25, on the relationship of that name.
rt::Task<Reply> operate_reply(Call& call, std::string relationship, std::uint16_t operation, bool dry_run);

}  // namespace lockstep::rest
