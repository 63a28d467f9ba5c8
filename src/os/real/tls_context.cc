#include "os/real/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

namespace lockstep::os::real {
namespace {

std::unexpected<Error> invalid(const char* what) {
  return fail(Code::invalid, std::string("TLS: ") + what + ": " + last_openssl_error());
}

bool refuse(Verdict& verdict, X509_STORE_CTX* store, int why, std::string message) {
  X509_STORE_CTX_set_error(store, why);
  verdict.refusal = Error{Code::denied, std::move(message)};
  return false;
}

bool judge(Verdict& verdict, X509_STORE_CTX* store) {
  const X509* shown = X509_STORE_CTX_get0_cert(store);
  switch (verdict.trust) {
    case Verdict::Trust::anything: return true;
    case Verdict::Trust::pinned: {
      const Fingerprint came = fingerprint_of(shown);
      if (came == verdict.pinned) return true;
      return refuse(verdict, store, X509_V_ERR_CERT_REJECTED,
                    "expected the certificate with fingerprint " + hex_of(verdict.pinned.bytes) + ", got " +
                        hex_of(came.bytes));
    }
    case Verdict::Trust::signed_by_ca: {
      if (X509_verify_cert(store) == 1) return true;
      const int why = X509_STORE_CTX_get_error(store);
      return refuse(verdict, store, why,
                    "the certificate with fingerprint " + hex_of(fingerprint_of(shown).bytes) +
                        " is not to be trusted: " + X509_verify_cert_error_string(why));
    }
  }
  return false;
}

// Called by OpenSSL in place of its own verification.
int verify(X509_STORE_CTX* store, void* /*unused*/) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* verdict = static_cast<Verdict*>(SSL_get_app_data(ssl));
  return judge(*verdict, store) ? 1 : 0;
}

Result<SslContext> plain_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return fail(Code::io, "TLS: " + last_openssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
  // Equal in strength for this use, and the first costs a third less than the usual first choice.
  SSL_CTX_set_ciphersuites(context.get(),
                           "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_cert_verify_callback(context.get(), &verify, nullptr);
  return context;
}

Result<> show_identity(SSL_CTX* context, const Identity& identity) {
  Bio certificates = reader_of(identity.certificate_pem);
  Certificate own(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) return invalid("own certificate");
  while (Certificate next{PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) return invalid("chain of own certificate");
  }
  ERR_clear_error();  // the end of the text is reported as an error
  Bio key_text = reader_of(identity.key_pem);
  Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1) return invalid("own key");
  if (SSL_CTX_check_private_key(context) != 1) return invalid("own key and certificate");
  return {};
}

Result<> trust_ca(SSL_CTX* context, const std::string& pem) {
  Bio text = reader_of(pem);
  int trusted = 0;
  while (Certificate next{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), next.get()) != 1)
      return invalid("certificate authority");
    ++trusted;
  }
  if (trusted == 0) return invalid("certificate authority");
  ERR_clear_error();
  return {};
}

Result<Ssl> start(SSL_CTX* context, Verdict& verdict) {
  Ssl ssl(SSL_new(context));
  if (!ssl) return fail(Code::io, "TLS: " + last_openssl_error());
  SSL_set_app_data(ssl.get(), &verdict);
  return ssl;
}

}  // namespace

Result<SslContext> server_context(const TlsServer& options) {
  TRY(SslContext context, plain_context(TLS_server_method()));
  TRY_VOID(show_identity(context.get(), options.identity));
  SSL_CTX_set_verify(context.get(), options.ask_client ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  return context;
}

Result<SslContext> client_context(const TlsClient& options) {
  if (!options.pinned && options.ca_pem.empty()) {
    return fail(Code::invalid,
                "TLS: neither a fingerprint nor a certificate authority says which server to trust");
  }
  if (!options.pinned && options.server_name.empty()) {
    return fail(Code::invalid, "TLS: a certificate authority needs the name of the server to look for");
  }
  TRY(SslContext context, plain_context(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!options.pinned) TRY_VOID(trust_ca(context.get(), options.ca_pem));
  if (options.identity) TRY_VOID(show_identity(context.get(), *options.identity));
  return context;
}

Result<Ssl> start_client(SSL_CTX* context, const TlsClient& options, Verdict& verdict) {
  TRY(Ssl ssl, start(context, verdict));
  SSL_set_connect_state(ssl.get());
  const std::string& name = options.server_name;
  std::unique_ptr<ASN1_OCTET_STRING, Freed<&ASN1_OCTET_STRING_free>> ip(
      name.empty() ? nullptr : a2i_IPADDRESS(name.c_str()));
  ERR_clear_error();
  if (!name.empty() && !ip) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  if (options.pinned) {
    verdict.trust = Verdict::Trust::pinned;
    verdict.pinned = *options.pinned;
    return ssl;
  }
  verdict.trust = Verdict::Trust::signed_by_ca;
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl.get());
  const int set = ip ? X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str())
                     : X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size());
  if (set != 1) return invalid("server name");
  return ssl;
}

Result<Ssl> start_server(SSL_CTX* context, Verdict& verdict) {
  TRY(Ssl ssl, start(context, verdict));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace lockstep::os::real
