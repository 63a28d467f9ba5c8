#include "os/real/openssl.h"

#include <openssl/err.h>

#include <array>

namespace lockstep::os::real {

std::string last_openssl_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return "no reason given";
  if (const char* reason = ERR_reason_error_string(error)) return reason;
  std::array<char, 256> text{};
  ERR_error_string_n(error, text.data(), text.size());
  return text.data();
}

Fingerprint fingerprint_of(const X509* certificate) {
  Fingerprint print;
  unsigned length = 0;
  CHECK(X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(print.bytes.data()),
                    &length) == 1);
  CHECK(length == print.bytes.size());
  return print;
}

Bio reader_of(const std::string& pem) {
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(bio);
  return bio;
}

}  // namespace lockstep::os::real
