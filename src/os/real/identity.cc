// Identities: a P-256 key and a certificate signed by itself, believed by whoever pinned it.
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>

#include "os/real/openssl.h"
#include "os/real/tls.h"

namespace lockstep::os::real {
namespace {

constexpr int days_valid = 3652;  // ten years
constexpr int days_of_grace = 1;  // for a peer whose clock is behind ours

std::unexpected<Error> impossible(const char* what) {
  return fail(Code::io, std::string("make a certificate: ") + what + ": " + last_openssl_error());
}

std::string text_in(BIO* bio) {
  const char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 &&
         std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 127; });
}

// Subject alternatives: RFC 5280, 4.2.1.6.
bool add_names(X509* certificate, const std::vector<std::string>& names) {
  std::unique_ptr<GENERAL_NAMES, Freed<&GENERAL_NAMES_free>> all(GENERAL_NAMES_new());
  for (const std::string& text : names) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    sk_GENERAL_NAME_push(all.get(), name);
    if (ASN1_OCTET_STRING* ip = a2i_IPADDRESS(text.c_str())) {
      GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
    } else {
      ERR_clear_error();
      ASN1_IA5STRING* dns = ASN1_IA5STRING_new();
      ASN1_STRING_set(dns, text.data(), static_cast<int>(text.size()));
      GENERAL_NAME_set0_value(name, GEN_DNS, dns);
    }
  }
  return names.empty() || X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) == 1;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Freed<&X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate, Random& random) {
  std::array<std::byte, 16> bytes{};
  random.fill(bytes);
  bytes[0] = (bytes[0] & std::byte{0x7f}) | std::byte{0x40};  // positive, and all of it significant
  std::unique_ptr<BIGNUM, Freed<&BN_free>> number(BN_bin2bn(
      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

}  // namespace

Result<Identity> SystemTls::make_identity(const std::string& common_name,
                                          const std::vector<std::string>& names) {
  if (!is_name(common_name) || common_name.size() > 64) {  // RFC 5280, A.1: ub-common-name
    return fail(Code::invalid,
                "make a certificate: the name '" + common_name + "' is not 1 to 64 plain characters");
  }
  for (const std::string& name : names) {
    if (!is_name(name))
      return fail(Code::invalid,
                  "make a certificate: '" + name + "' is neither a DNS name nor an IP address");
  }
  Key key(EVP_EC_gen("P-256"));
  Certificate certificate(X509_new());
  if (!key || !certificate) return impossible("key");
  std::time_t now = static_cast<std::time_t>(clock_.wall().us / 1'000'000);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  const bool filled =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial(certificate.get(), random_) &&
      X509_time_adj_ex(X509_getm_notBefore(certificate.get()), -days_of_grace, 0, &now) != nullptr &&
      X509_time_adj_ex(X509_getm_notAfter(certificate.get()), days_valid, 0, &now) != nullptr &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, static_cast<int>(common_name.size()), -1,
                                 0) == 1 &&
      X509_set_issuer_name(certificate.get(), subject) == 1 &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 &&
      add_extension(certificate.get(), NID_subject_key_identifier, "hash") &&
      add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(certificate.get(), NID_ext_key_usage, "serverAuth,clientAuth") &&
      add_names(certificate.get(), names);
  if (!filled) return impossible("contents");
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) return impossible("signature");

  Bio certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return impossible("text form");
  }
  Identity identity;
  identity.certificate_pem = text_in(certificate_text.get());
  identity.key_pem = text_in(key_text.get());
  return identity;
}

Result<Fingerprint> SystemTls::fingerprint_of(const Identity& identity) {
  Bio text = reader_of(identity.certificate_pem);
  Certificate first(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  if (!first) return fail(Code::invalid, "certificate: " + last_openssl_error());
  return real::fingerprint_of(first.get());
}

}  // namespace lockstep::os::real
