#include "replica/peers/pairing.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>

namespace lockstep::replica {
namespace {

constexpr std::size_t addresses_most = 8;
constexpr std::size_t invitations_most = 64;
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(Span bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (std::byte b : bytes) {
    bits = (bits << 8) | static_cast<std::uint32_t>(b);
    for (held += 8; held >= 6; held -= 6) out += alphabet[(bits >> (held - 6)) & 63];
  }
  if (held > 0) out += alphabet[(bits << (6 - held)) & 63];
  return out;
}

std::optional<Buffer> from_base64url(std::string_view text) {
  Buffer out;
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    auto at = alphabet.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(at);
    held += 6;
    if (held >= 8) {
      out.push_back(static_cast<std::byte>(bits >> (held - 8)));
      held -= 8;
    }
  }
  if (held >= 6 || (bits & ((1U << held) - 1)) != 0) return std::nullopt;  // one text per token
  return out;
}

}  // namespace

std::string encode(const Token& token) {
  Buffer bytes;
  Writer out(bytes);
  out.u8(static_cast<std::uint8_t>(token.kind));
  out.u64(static_cast<std::uint64_t>(token.expires.us));
  out.id(token.system);
  out.raw(token.fingerprint.bytes);
  out.raw(token.secret);
  out.u8(static_cast<std::uint8_t>(token.addresses.size()));
  for (const auto& address : token.addresses) out.text(os::text_of(address));
  out.u32(crc32c_of(bytes));
  return base64url(bytes);
}

Result<Token> decode_token(std::string_view text, Token::Kind wanted) {
  const std::string from = wanted == Token::Kind::copy ? "`token create`" : "`peer invite`";
  auto wrong = [&from](const std::string& why) {
    return fail(Code::invalid, "token: " + why + "; copy it whole from " + from);
  };
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r'))
    text.remove_suffix(1);
  if (text.size() > 4096) return wrong("too long");
  std::optional<Buffer> bytes = from_base64url(text);
  if (!bytes || bytes->size() < 5) return wrong("it is not one");
  Span body = Span(*bytes).first(bytes->size() - 4);
  if (load_le<std::uint32_t>(bytes->data() + body.size()) != crc32c_of(body))
    return wrong("a character is wrong or missing");
  Reader in(body);
  Token token;
  token.kind = static_cast<Token::Kind>(in.u8());
  bool known = token.kind == Token::Kind::invitation || token.kind == Token::Kind::copy;
  if (!known) return wrong("it was made by a newer version");
  if (token.kind != wanted) return wrong("it is one for something else");
  token.expires.us = static_cast<std::int64_t>(in.u64());
  token.system = in.id<SystemId>();
  Span fingerprint = in.raw(token.fingerprint.bytes.size());
  Span secret = in.raw(token.secret.size());
  std::size_t count = in.u8();
  if (!in.ok() || count > addresses_most) return wrong("it is damaged");
  std::memcpy(token.fingerprint.bytes.data(), fingerprint.data(), fingerprint.size());
  std::memcpy(token.secret.data(), secret.data(), secret.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::string address = in.text(512);
    if (!in.ok()) return wrong("it is damaged");
    TRY(os::Address parsed, os::parse_address(address));
    token.addresses.push_back(std::move(parsed));
  }
  if (in.left() != 0 || token.system.is_none()) return wrong("it is damaged");
  return token;
}

Proof prove(const Secret& secret, Prover who, os::Fingerprint inviter, os::Fingerprint joiner) {
  Buffer text;
  Writer out(text);
  out.raw(as_span("lockstep pairing 1"));
  out.u8(static_cast<std::uint8_t>(who));
  out.raw(inviter.bytes);
  out.raw(joiner.bytes);
  Proof proof{};
  unsigned length = 0;
  const unsigned char* done = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                                   reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                   reinterpret_cast<unsigned char*>(proof.data()), &length);
  CHECK(done != nullptr && length == proof.size());
  return proof;
}

void Invitations::add(const Secret& secret, WallTime expires) {
  if (out_.size() >= invitations_most) out_.erase(out_.begin());
  out_.emplace_back(secret, expires);
}

std::optional<Secret> Invitations::redeem(const Proof& proof, os::Fingerprint inviter, os::Fingerprint joiner,
                                          WallTime now) {
  std::erase_if(out_, [&](const auto& i) { return i.second <= now; });
  for (auto i = out_.begin(); i != out_.end(); ++i) {
    Proof due = prove(i->first, Prover::joiner, inviter, joiner);
    if (CRYPTO_memcmp(due.data(), proof.data(), due.size()) != 0) continue;
    Secret secret = i->first;
    out_.erase(i);
    return secret;
  }
  return std::nullopt;
}

}  // namespace lockstep::replica
