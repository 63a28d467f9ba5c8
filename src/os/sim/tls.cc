// TLS without cryptography: a plain stream whose ends have shown who they are. Certificates and keys look like PEM; a key
// belongs to a certificate by checksum. Who trusts what is enforced as os/real enforces it.
#include <array>
#include <cstring>

#include "os/sim/life.h"
#include "os/tls.h"

namespace lockstep::os::sim {
namespace {

constexpr std::string_view certificate_begin = "-----BEGIN CERTIFICATE-----\n", certificate_end = "-----END CERTIFICATE-----\n";
constexpr std::string_view key_begin = "-----BEGIN PRIVATE KEY-----\n", key_end = "-----END PRIVATE KEY-----\n";
constexpr std::size_t message_max = 64 << 10;

std::string public_of(std::string_view secret) {
  std::string twice = std::string(secret) + std::string(secret);
  std::byte bytes[16];
  store_le(bytes, checksum_of(as_span(secret)).value);
  store_le(bytes + 8, checksum_of(as_span(twice)).value);
  return hex_of(bytes);
}

// The lines between the first pair of marks; empty when there is none.
std::string_view inside(std::string_view pem, std::string_view begin, std::string_view end) {
  std::size_t from = pem.find(begin);
  if (from == std::string_view::npos) return {};
  from += begin.size();
  std::size_t till = pem.find(end, from);
  return till == std::string_view::npos ? std::string_view{} : pem.substr(from, till - from);
}

struct Certificate {   // "SIM\npublic\nname\nname...\n"
  std::string body;
  std::string public_key;
  std::vector<std::string> names;
};

Result<Certificate> parse_certificate(std::string_view pem) {
  std::string_view body = inside(pem, certificate_begin, certificate_end);
  if (!body.starts_with("SIM\n")) return fail(Code::invalid, "not a certificate in PEM");
  Certificate out{std::string(body), {}, {}};
  std::vector<std::string> lines;
  while (!body.empty()) {
    std::size_t end = std::min(body.find('\n'), body.size());
    lines.emplace_back(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  if (lines.size() < 2) return fail(Code::invalid, "not a certificate in PEM");
  out.public_key = lines[1];
  out.names.assign(lines.begin() + 2, lines.end());
  return out;
}

Fingerprint print_of(const Certificate& certificate) {
  Fingerprint print;
  for (std::size_t i = 0; i < 4; ++i) {
    std::string salted = std::to_string(i) + certificate.body;
    store_le(print.bytes.data() + 8 * i, checksum_of(as_span(salted)).value);
  }
  return print;
}

Result<std::string> secret_of(const Identity& identity) {
  TRY(Certificate certificate, parse_certificate(identity.certificate_pem));
  std::string secret(inside(identity.key_pem, key_begin, key_end));
  if (secret.empty()) return fail(Code::invalid, "not a private key in PEM");
  if (public_of(secret) != certificate.public_key) return fail(Code::invalid, "the key does not belong to the certificate");
  return secret;
}

rt::Task<Result<>> send_message(Stream& stream, std::string kind, std::vector<std::string> texts) {
  Buffer message;
  Writer body(message);
  body.text(kind);
  body.u32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) body.text(text);
  Buffer size;
  Writer(size).u32(static_cast<std::uint32_t>(message.size()));
  std::vector<Span> parts{size, message};
  co_return co_await stream.write(std::move(parts));
}

rt::Task<Result<std::vector<std::string>>> read_message(Stream& stream, std::string kind) {
  std::array<std::byte, 4> size{};
  CO_TRY_VOID(co_await read_all(stream, size));
  std::uint32_t length = load_le<std::uint32_t>(size.data());
  if (length > message_max) co_return fail(Code::denied, stream.peer_name() + ": handshake: this is not TLS");
  Buffer message(length);
  CO_TRY_VOID(co_await read_all(stream, message));
  Reader reader(message);
  std::string came = reader.text();
  std::uint32_t count = reader.u32();
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) texts.push_back(reader.text());
  if (!reader.ok() || came != kind) co_return fail(Code::denied, stream.peer_name() + ": handshake: this is not TLS");
  co_return texts;
}

// Whoever shows a certificate has its key.
Result<Certificate> proven(const std::string& peer, const std::string& pem, const std::string& secret) {
  auto certificate = parse_certificate(pem);
  if (!certificate || public_of(secret) != certificate->public_key)
    return fail(Code::denied, peer + ": handshake: the certificate's key was not shown");
  return certificate;
}

Result<> trusted(const std::string& peer, const Certificate& certificate, const TlsClient& options) {
  Fingerprint came = print_of(certificate);
  if (options.pinned) {
    if (came == *options.pinned) return {};
    return fail(Code::denied, peer + ": certificate " + hex_of(came.bytes) + " is not the pinned " + hex_of(options.pinned->bytes));
  }
  if (options.ca_pem.find(certificate.body) == std::string::npos)
    return fail(Code::denied, peer + ": certificate " + hex_of(came.bytes) + " is not signed by the given authority");
  for (const std::string& name : certificate.names)
    if (name == options.server_name) return {};
  return fail(Code::denied, peer + ": certificate " + hex_of(came.bytes) + " is not for " + options.server_name);
}

class SimTlsStream final : public Stream {
 public:
  SimTlsStream(std::unique_ptr<Stream> under, std::optional<Fingerprint> peer) : under_(std::move(under)), peer_(peer) {}

  rt::Task<Result<std::size_t>> read_some(MutSpan into) override { return under_->read_some(into); }
  Result<std::optional<std::size_t>> try_read(MutSpan into) override { return under_->try_read(into); }
  rt::Task<Result<>> write(std::vector<Span> parts) override { return under_->write(std::move(parts)); }
  Result<std::size_t> try_write(std::span<const Span> parts) override { return under_->try_write(parts); }
  void close() override { under_->close(); }
  void move_to(rt::Loop& loop) override { under_->move_to(loop); }
  [[nodiscard]] std::string peer_name() const override { return under_->peer_name(); }
  [[nodiscard]] std::optional<Fingerprint> peer_fingerprint() const override { return peer_; }
  [[nodiscard]] std::optional<unsigned> peer_uid() const override { return under_->peer_uid(); }

 private:
  std::unique_ptr<Stream> under_;
  std::optional<Fingerprint> peer_;
};

class SimTls final : public Tls {
 public:
  explicit SimTls(Life& life) : life_(life) {}

  rt::Task<Result<std::unique_ptr<Stream>>> client(std::unique_ptr<Stream> under, TlsClient options) override {
    std::string peer = under->peer_name();
    if (!options.pinned && (options.ca_pem.empty() || options.server_name.empty()))
      co_return fail(Code::invalid, peer + ": TLS without a pinned certificate needs an authority and a server name");
    std::vector<std::string> mine;
    if (options.identity) {
      CO_TRY(std::string secret, secret_of(*options.identity));
      mine = {options.identity->certificate_pem, secret};
    }
    std::vector<std::string> hello{options.server_name};
    CO_TRY_VOID(co_await send_message(*under, "client hello", std::move(hello)));
    CO_TRY(std::vector<std::string> shown, co_await read_message(*under, "server hello"));
    if (shown.size() != 3) co_return fail(Code::denied, peer + ": handshake: this is not TLS");
    CO_TRY(Certificate certificate, proven(peer, shown[0], shown[1]));
    CO_TRY_VOID(trusted(peer, certificate, options));
    if (shown[2] != "ask") mine.clear();
    CO_TRY_VOID(co_await send_message(*under, "finished", std::move(mine)));
    co_return std::make_unique<SimTlsStream>(std::move(under), print_of(certificate));
  }

  rt::Task<Result<std::unique_ptr<Stream>>> server(std::unique_ptr<Stream> under, const TlsServer& options) override {
    std::string peer = under->peer_name();
    bool ask = options.ask_client;
    CO_TRY(std::string secret, secret_of(options.identity));
    std::vector<std::string> mine{options.identity.certificate_pem, secret, ask ? "ask" : ""};
    CO_TRY(std::vector<std::string> hello, co_await read_message(*under, "client hello"));
    CO_TRY_VOID(co_await send_message(*under, "server hello", std::move(mine)));
    CO_TRY(std::vector<std::string> shown, co_await read_message(*under, "finished"));
    std::optional<Fingerprint> print;
    if (ask && shown.size() == 2) {
      CO_TRY(Certificate certificate, proven(peer, shown[0], shown[1]));
      print = print_of(certificate);
    }
    co_return std::make_unique<SimTlsStream>(std::move(under), print);
  }

  Result<Identity> make_identity(const std::string& common_name, const std::vector<std::string>& names) override {
    CHECK(!life_.world().on_loop());   // slow: worker jobs only
    std::byte bytes[16];
    life_.random().fill(bytes);
    std::string secret = hex_of(bytes) + "\n";
    std::string body = "SIM\n" + public_of(secret) + "\n" + common_name + "\n";
    for (const std::string& name : names) body += name + "\n";
    Identity identity;
    identity.certificate_pem = std::string(certificate_begin) + body + std::string(certificate_end);
    identity.key_pem = std::string(key_begin) + secret + std::string(key_end);
    return identity;
  }

  Result<Fingerprint> fingerprint_of(const Identity& identity) override {
    TRY(Certificate certificate, parse_certificate(identity.certificate_pem));
    return print_of(certificate);
  }

 private:
  Life& life_;
};

}  // namespace

std::unique_ptr<Tls> make_tls(Life& life) { return std::make_unique<SimTls>(life); }

}  // namespace lockstep::os::sim
