// OpenSSL's objects, each freed by its owner's end, and its last words as text.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "os/os.h"

namespace lockstep::os::real {

template <auto free_function>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using SslContext = std::unique_ptr<SSL_CTX, Freed<&SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Freed<&SSL_free>>;
using Bio = std::unique_ptr<BIO, Freed<&BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;

// The oldest error this thread has not reported yet; all of them are forgotten. Never empty.
[[nodiscard]] std::string last_openssl_error();
[[nodiscard]] Fingerprint fingerprint_of(const X509* certificate);
// Reads from `pem`, which must outlive the result.
[[nodiscard]] Bio reader_of(const std::string& pem);

}  // namespace lockstep::os::real
