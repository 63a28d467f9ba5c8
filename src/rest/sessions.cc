#include "rest/sessions.h"

namespace lockstep::rest {

namespace {

std::string random_hex(manage::System& system) {
  std::byte bytes[16];
  system.random().fill(bytes);
  return hex_of(bytes);
}

// In the time that the whole comparison takes, wherever the first difference is.
bool equal_tokens(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

}  // namespace

void Sessions::drop_old() {
  Instant now = loop_.clock().now();
  std::erase_if(by_id_, [&](const auto& entry) { return entry.second.used + idle_ < now; });
}

std::optional<Sessions::Session> Sessions::add(std::string user, std::string peer) {
  drop_old();
  if (by_id_.size() >= most_) return std::nullopt;
  Session session;
  session.id = random_hex(system_).substr(0, 12);
  session.token = random_hex(system_);
  session.user = std::move(user);
  session.peer = std::move(peer);
  session.created = system_.now();
  session.used = loop_.clock().now();
  by_id_[session.id] = session;
  return session;
}

std::optional<manage::Caller> Sessions::caller_of(const std::string& token) {
  drop_old();
  for (auto& [id, session] : by_id_) {
    if (!equal_tokens(session.token, token)) continue;
    for (const manage::Account& account : system_.accounts())
      if (account.user == session.user && account.enabled) {
        session.used = loop_.clock().now();
        return manage::Caller{account.user, account.role};
      }
    by_id_.erase(id);   // its account is gone
    return std::nullopt;
  }
  return std::nullopt;
}

bool Sessions::remove(const std::string& id) { return by_id_.erase(id) > 0; }

std::optional<Sessions::Session> Sessions::find(const std::string& id) {
  drop_old();
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

std::vector<Sessions::Session> Sessions::list() {
  drop_old();
  std::vector<Session> out;
  for (const auto& [id, session] : by_id_) out.push_back(session);
  return out;
}

}  // namespace lockstep::rest
