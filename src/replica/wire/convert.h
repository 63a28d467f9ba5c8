// Convert: between our types and what travels. From the wire nothing is believed: wrong lengths become
// "none", numbers are bounded.
#pragma once

#include "base/base.h"
#include "replica/model/history.h"
#include "replica/model/model.h"
#include "replica/wire/wire.pb.h"

namespace lockstep::replica {

template <class Tag>
[[nodiscard]] std::string bytes_of(const Uuid<Tag>& id) {
  return std::string(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}
template <class Id>
[[nodiscard]] Id id_from(const std::string& bytes) {
  Id id;
  if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

void put(Origin from, wire::Origin& into);
[[nodiscard]] Origin origin_from(const wire::Origin& from);
void put(const Past& from, wire::Past& into);
[[nodiscard]] Result<Past> past_from(const wire::Past& from);
void put(const Settings& from, wire::Settings& into);
[[nodiscard]] Result<Settings> settings_from(const wire::Settings& from);
void put(const Error& from, wire::Failure& into);
[[nodiscard]] Error error_from(const wire::Failure& from);
[[nodiscard]] CopyState copy_state_from(std::uint32_t number);  // not_applicable where it is none
[[nodiscard]] Result<store::Role> role_from(std::uint32_t number);

}  // namespace lockstep::replica
