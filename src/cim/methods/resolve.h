// Resolve: references that clients send, as the objects or names that manage knows. Private to cim.
// A reference to what is gone: not_found; to what a discovery once found and is gone: cache_out_of_date; to another kind of object:
// invalid_parameter. Each names the parameter.
#pragma once

#include "cim/methods/invocation.h"

namespace lockstep::cim::model {

using manage::Answer;

[[nodiscard]] Answer<const manage::VolumeInfo*> volume_at(const Invocation& call, const ObjectPath& path, std::string_view parameter);
[[nodiscard]] Answer<const manage::GroupInfo*> group_at(const Invocation& call, const ObjectPath& path, std::string_view parameter);
[[nodiscard]] Answer<const manage::PoolInfo*> pool_at(const Invocation& call, const ObjectPath& path, std::string_view parameter);   // of this system
[[nodiscard]] Answer<const manage::Job*> job_at(const Invocation& call, const ObjectPath& path, std::string_view parameter);
// The names POOL/VOLUME of all; NULL elements and doubles are refused.
[[nodiscard]] Answer<std::vector<std::string>> volumes_at(const Invocation& call, const std::vector<const ObjectPath*>& paths, std::string_view parameter);

// The text that names the referred object to manage, whether it is there or not: manage says, after what comes first.
[[nodiscard]] Answer<std::string> system_text(const ObjectPath& path, std::string_view parameter);     // of a MSFT_SMReplicaPeer of a system
[[nodiscard]] Answer<std::string> pool_text(const Invocation& call, const ObjectPath& path, std::string_view parameter);
[[nodiscard]] Answer<std::string> group_text(const ObjectPath& path, std::string_view parameter);

// The relationship that a handle of its far group or of a far volume is of.
[[nodiscard]] Answer<const replica::Report*> relationship_at(const Invocation& call, const ObjectPath& peer, std::string_view parameter);

// `this`.
[[nodiscard]] Answer<const manage::VolumeInfo*> this_volume(const Invocation& call);
[[nodiscard]] Answer<const manage::GroupInfo*> this_group(const Invocation& call);
[[nodiscard]] Answer<const manage::PoolInfo*> this_pool(const Invocation& call);

[[nodiscard]] std::string full_name(const manage::GroupInfo& group);   // POOL/NAME

// A refusal about something that a discovery found before becomes: look again.
[[nodiscard]] manage::Refusal or_out_of_date(const Invocation& call, manage::Refusal refusal);

}  // namespace lockstep::cim::model

// As TRY_VOID and TRY, in a handler: what is refused is what the method answers.
#define CIM_ASK_(temp, declaration, ...)                                              \
  auto temp = (__VA_ARGS__);                                                          \
  if (!temp) co_return ::lockstep::cim::model::refused(::std::move(temp).error());    \
  declaration = *::std::move(temp)
#define CIM_ASK(declaration, ...) CIM_ASK_(LOCKSTEP_CONCAT(ask_, __COUNTER__), declaration, __VA_ARGS__)
