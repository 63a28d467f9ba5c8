// TlsSession: one end of a TLS connection without any input or output of its own: bytes in, bytes out.
// What arrives is put into room(); what is to be sent is found in outgoing().
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "os/os.h"
#include "os/real/gather.h"
#include "os/real/openssl.h"
#include "os/real/tls_context.h"

namespace lockstep::os::real {

class TlsSession {
 public:
  enum class State { done, wants_bytes, ended };

  // The context lives on in the session. `ssl` was started with `verdict`.
  TlsSession(Ssl ssl, std::unique_ptr<Verdict> verdict);

  Result<State> shake();                                // done, or wants_bytes
  Result<State> decrypt(MutSpan into, std::size_t& n);  // done: n > 0
  // Takes plain bytes from `from` until about `most` are encrypted, and says how many it took.
  Result<std::size_t> encrypt(Gather& from, std::size_t most);
  void say_goodbye();  // into outgoing()

  [[nodiscard]] MutSpan room();  // for what arrives; never empty
  void arrived(std::size_t n);   // n bytes were put into room()
  [[nodiscard]] Buffer& outgoing() { return out_; }
  [[nodiscard]] std::optional<Fingerprint> peer() const { return peer_; }

 private:
  static const BIO_METHOD* method();
  [[nodiscard]] Error failure(int result);

  std::unique_ptr<Verdict> verdict_;
  Ssl ssl_;
  std::optional<Fingerprint> peer_;
  Buffer in_;  // arrived: [in_begin_, in_end_)
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  Buffer out_;
  Buffer staged_;  // small pieces on their way into one record
};

}  // namespace lockstep::os::real
