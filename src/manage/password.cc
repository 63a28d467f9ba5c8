#include "manage/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

namespace lockstep::manage {

Result<Buffer> scrypt(std::string_view password, Span salt, unsigned log2_n) {
  if (log2_n < 1 || log2_n > 20) return fail(Code::corrupt, "a password's cost is out of range");
  Buffer hash(32);
  std::uint64_t n = std::uint64_t{1} << log2_n;
  std::uint64_t memory = n * 1024 + (1 << 20);   // 128 * r * n and what OpenSSL adds
  int done = EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), n, 8, 1, memory,
                            reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  if (done != 1) return fail(Code::io, "scrypt failed: not enough memory for a password of cost 2^" + std::to_string(log2_n));
  return hash;
}

bool equal_in_constant_time(Span a, Span b) noexcept { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

Buffer sha256(std::initializer_list<Span> parts) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  CHECK(context != nullptr);
  CHECK(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  for (Span part : parts) {
    std::byte length[8];
    store_le(length, std::uint64_t{part.size()});   // no two lists of parts look the same
    CHECK(EVP_DigestUpdate(context.get(), length, sizeof length) == 1);
    CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Buffer digest(32);
  CHECK(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  return digest;
}

}  // namespace lockstep::manage
