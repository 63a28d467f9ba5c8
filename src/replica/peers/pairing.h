// Pairing: how two systems that never met come to trust each other's certificates. One token, once, until it
// expires.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"

namespace lockstep::replica {

using Secret = std::array<std::byte, 32>;
using Proof = std::array<std::byte, 32>;

// What an invitation says. As text: base64url of a versioned struct (docs/formats/wire.md).
struct Token {
  enum class Kind : std::uint8_t { invitation = 1, copy = 2 };  // to pair; to copy a point in time (token.h)
  Kind kind = Kind::invitation;
  SystemId system;
  os::Fingerprint fingerprint;
  Secret secret{};
  WallTime expires;
  std::vector<os::Address> addresses;
};

[[nodiscard]] std::string encode(const Token& token);
[[nodiscard]] Result<Token> decode_token(
    std::string_view text, Token::Kind wanted = Token::Kind::invitation);  // `invalid`; whether it has expired is for the clock's owner to see

// HMAC-SHA256 with the secret over a label and both certificates: worth nothing on any other connection.
enum class Prover : std::uint8_t { joiner = 1, inviter = 2 };
[[nodiscard]] Proof prove(const Secret& secret, Prover who, os::Fingerprint inviter, os::Fingerprint joiner);

// The invitations that are out. In memory: a restart takes them back.
class Invitations {
 public:
  // At most 64 are out at a time: the oldest goes.
  void add(const Secret& secret, WallTime expires);
  // The secret behind the proof, which is used up; nothing when none fits or it has expired. Compares in
  // constant time.
  [[nodiscard]] std::optional<Secret> redeem(const Proof& proof, os::Fingerprint inviter,
                                             os::Fingerprint joiner, WallTime now);

 private:
  std::vector<std::pair<Secret, WallTime>> out_;
};

}  // namespace lockstep::replica
