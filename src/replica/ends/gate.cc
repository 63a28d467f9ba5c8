#include "replica/ends/gate.h"

#include <algorithm>

namespace lockstep::replica {

void Gate::add(Claim& claim) { claims_.push_back(&claim); }
void Gate::remove(Claim& claim) { std::erase(claims_, &claim); }

Lsn Gate::received_elsewhere() const {
  Lsn least = no_limit;
  for (const Claim* claim : claims_) least = std::min(least, claim->received_there());
  return least;
}

Lsn Gate::durable_elsewhere() const {
  Lsn least = no_limit;
  for (const Claim* claim : claims_) least = std::min(least, claim->durable_there());
  return least;
}

void Gate::durable_wanted(Lsn lsn) {
  for (Claim* claim : claims_) claim->want_durable(lsn);
}

std::optional<Error> Gate::refuses_writes() const {
  for (const Claim* claim : claims_) {
    if (auto why = claim->refuses()) return why;
  }
  return std::nullopt;
}

Duration Gate::pace() const {
  Duration longest{0};
  for (const Claim* claim : claims_) longest = std::max(longest, claim->pace());
  return longest;
}

Duration Gate::hold() {
  Duration longest{0};
  for (Claim* claim : claims_) longest = std::max(longest, claim->hold());
  return longest;
}

std::vector<Sibling> Gate::siblings_of(const Claim& claim) const {
  std::vector<Sibling> out;
  for (const Claim* other : claims_) {
    if (other != &claim) out.push_back(other->as_sibling());
  }
  return out;
}

Gate& Gates::enter(GroupId group, Claim& claim) {
  auto& gate = gates_[group];
  bool fresh = gate == nullptr;
  if (fresh) gate = std::make_unique<Gate>(pool_, group);
  gate->add(claim);
  if (fresh) pool_.set_acks(group, gate.get());
  gate->moved();
  return *gate;
}

Way Gates::way_to(GroupId group) const {
  auto at = ways_.find(group);
  return at == ways_.end() ? Way() : at->second;
}

void Gates::set_level(GroupId group, bool level) {
  if (!level) {
    level_.erase(group);
  } else if (level_.insert(group).second) {
    pool_.arrived().wake_all();
  }
}

void Gates::leave(GroupId group, Claim& claim) {
  auto at = gates_.find(group);
  if (at == gates_.end()) return;
  at->second->remove(claim);
  at->second->moved();
  if (!at->second->empty()) return;
  pool_.set_acks(group, nullptr);
  gates_.erase(at);
}

}  // namespace lockstep::replica
