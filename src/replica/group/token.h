// Token: a right to copy one point in time of a group. The snapshot that holds the point carries everything that is known
// of its token, so both exist or neither does; of the secret only a digest is kept.
// Promises: unguessable; refused once it is used up (unless reusable), expired or revoked. On the pool's loop.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/peers/pairing.h"

namespace lockstep::replica {

using Digest = std::array<std::byte, 32>;
[[nodiscard]] Digest digest_of(const Secret& secret);

// What the snapshot's purpose says: "token 1 EXPIRES once|many DIGEST RELATIONSHIP..."
struct Pin {
  WallTime expires;
  bool reusable = false;
  Digest digest{};
  std::vector<RelationshipId> users;  // copies from it that run

  [[nodiscard]] bool has_user(RelationshipId relationship) const;
  [[nodiscard]] bool used_up() const { return !reusable && !users.empty(); }
};
[[nodiscard]] std::string text_of(const Pin& pin);
[[nodiscard]] std::optional<Pin> pin_from(std::string_view purpose);

inline constexpr std::size_t users_most = 16;

// Pins the group as it is now.
rt::Task<Result<SnapshotId>> pin_group(pool::Pool& pool, GroupId group, Pin pin, WallTime now);
// The token with this digest, in any group of the pool. `not_found` when there is none.
struct Pinned {
  SnapshotId snapshot;
  GroupId group;
  Pin pin;
};
[[nodiscard]] std::vector<std::pair<Pinned, store::SnapshotRow>> pins_of(pool::Pool& pool);
[[nodiscard]] std::optional<Pinned> find_pin(pool::Pool& pool, Digest digest);
// Takes the token for one copy; durable before it returns. `denied` when it is used up or expired.
rt::Task<Result<>> use_pin(pool::Pool& pool, Pinned pinned, RelationshipId user, WallTime now);
// The copy needs it no more. A token for one copy goes with it.
rt::Task<Result<>> unpin(pool::Pool& pool, GroupId group, RelationshipId user);
// The copy never began: the token is as good as before.
rt::Task<Result<>> give_back(pool::Pool& pool, GroupId group, RelationshipId user);
// Tokens that nobody may use any more, and nobody uses, go.
rt::Task<Result<>> drop_expired(pool::Pool& pool, WallTime now);

}  // namespace lockstep::replica
