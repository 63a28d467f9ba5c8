#include "replica/group/token.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "replica/group/ledger.h"

namespace lockstep::replica {
namespace {

constexpr std::string_view head = "token 1 ";

std::string_view word(std::string_view& text) {
  std::string_view out = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(out.size() + 1, text.size()));
  return out;
}

bool spent(const Pin& pin, WallTime now) { return pin.users.empty() && pin.expires <= now; }

rt::Task<Result<>> write_down(pool::Pool& pool, SnapshotId snapshot, Pin pin) {
  std::string purpose = text_of(pin);
  co_return co_await pool.hold_snapshot(snapshot, std::move(purpose));
}

}  // namespace

Digest digest_of(const Secret& secret) {
  Digest out{};
  unsigned length = 0;
  int done = EVP_Digest(secret.data(), secret.size(), reinterpret_cast<unsigned char*>(out.data()), &length,
                        EVP_sha256(), nullptr);
  CHECK(done == 1 && length == out.size());
  return out;
}

bool Pin::has_user(RelationshipId relationship) const {
  return std::find(users.begin(), users.end(), relationship) != users.end();
}

std::string text_of(const Pin& pin) {
  std::string out = std::string(head) + std::to_string(pin.expires.us) + (pin.reusable ? " many " : " once ") +
                    hex_of(pin.digest);
  for (RelationshipId user : pin.users) out += " " + text_of(user);
  return out;
}

std::optional<Pin> pin_from(std::string_view purpose) {
  if (!purpose.starts_with(head)) return std::nullopt;
  purpose.remove_prefix(head.size());
  Pin out;
  std::string_view expires = word(purpose);
  auto [end, error] = std::from_chars(expires.data(), expires.data() + expires.size(), out.expires.us);
  if (error != std::errc{} || end != expires.data() + expires.size()) return std::nullopt;
  std::string_view kind = word(purpose);
  out.reusable = kind == "many";
  if (!out.reusable && kind != "once") return std::nullopt;
  std::string_view digest = word(purpose);
  if (digest.size() != 2 * out.digest.size() || !parse_hex(digest, out.digest)) return std::nullopt;
  while (!purpose.empty()) {
    Result<RelationshipId> user = parse_id<RelationshipId>(word(purpose));
    if (!user) return std::nullopt;
    out.users.push_back(*user);
  }
  return out;
}

rt::Task<Result<SnapshotId>> pin_group(pool::Pool& pool, GroupId group, Pin pin, WallTime now) {
  std::string label = "token-" + hex_of(pin.digest).substr(0, 8) + "-" + std::to_string(now.us);
  std::string held = text_of(pin);
  co_return co_await pool.snapshot(group, std::move(label), std::move(held));
}

std::vector<std::pair<Pinned, store::SnapshotRow>> pins_of(pool::Pool& pool) {
  std::vector<std::pair<Pinned, store::SnapshotRow>> out;
  for (const auto& [id, row] : pool.catalog().snapshots) {
    if (!row.internal || row.hidden) continue;
    if (auto pin = pin_from(row.purpose)) out.emplace_back(Pinned{id, row.group, *pin}, row);
  }
  return out;
}

std::optional<Pinned> find_pin(pool::Pool& pool, Digest digest) {
  for (auto& [pinned, row] : pins_of(pool)) {
    if (pinned.pin.digest == digest) return pinned;
  }
  return std::nullopt;
}

rt::Task<Result<>> use_pin(pool::Pool& pool, Pinned pinned, RelationshipId user, WallTime now) {
  if (pinned.pin.expires <= now) co_return fail(Code::denied, "the token has expired; ask for a new one");
  if (pinned.pin.used_up()) co_return fail(Code::denied, "the token is used up: it was good for one copy; ask for a new one");
  if (pinned.pin.users.size() >= users_most)
    co_return fail(Code::busy, "the token is used for " + std::to_string(users_most) + " copies just now; wait for one to end");
  pinned.pin.users.push_back(user);
  co_return co_await write_down(pool, pinned.snapshot, std::move(pinned.pin));
}

namespace {

rt::Task<Result<>> end_use(pool::Pool& pool, GroupId group, RelationshipId user, bool spent) {
  std::vector<std::pair<Pinned, store::SnapshotRow>> all = pins_of(pool);
  for (auto& [found, row] : all) {
    if (found.group != group || !found.pin.has_user(user)) continue;
    Pinned pinned = found;
    if (spent && !pinned.pin.reusable) co_return co_await pool.delete_snapshot(pinned.snapshot);
    std::erase(pinned.pin.users, user);
    co_return co_await write_down(pool, pinned.snapshot, std::move(pinned.pin));
  }
  co_return Result<>{};
}

}  // namespace

rt::Task<Result<>> unpin(pool::Pool& pool, GroupId group, RelationshipId user) {
  co_return co_await end_use(pool, group, user, true);
}

rt::Task<Result<>> give_back(pool::Pool& pool, GroupId group, RelationshipId user) {
  co_return co_await end_use(pool, group, user, false);
}

rt::Task<Result<>> drop_expired(pool::Pool& pool, WallTime now) {
  std::vector<std::pair<Pinned, store::SnapshotRow>> all = pins_of(pool);
  for (auto& [pinned, row] : all) {
    if (!spent(pinned.pin, now)) continue;
    SnapshotId snapshot = pinned.snapshot;
    Result<> gone = co_await pool.delete_snapshot(snapshot);
    if (!gone) co_return gone;
  }
  co_return Result<>{};
}

}  // namespace lockstep::replica
