// Streams: ordered bytes between two ends. A stream belongs to one loop; it may move to another while nothing is in flight.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/address.h"
#include "rt/rt.h"

namespace lockstep::os {

struct Fingerprint {   // SHA-256 of a certificate in DER
  std::array<std::byte, 32> bytes{};
  constexpr auto operator<=>(const Fingerprint&) const = default;
};

class Stream {
 public:
  virtual ~Stream() = default;   // closes

  // At least one byte, or 0 at the end of the stream. Takes what is there at once when there is something.
  virtual rt::Task<Result<std::size_t>> read_some(MutSpan into) = 0;
  // Without waiting: nothing when no byte is there now; 0 at the end.
  virtual Result<std::optional<std::size_t>> try_read(MutSpan into) = 0;
  // All of `parts` in order. The bytes must outlive the call. One writer at a time.
  virtual rt::Task<Result<>> write(std::vector<Span> parts) = 0;
  // Without waiting: how many bytes of `parts` went out, perhaps 0.
  virtual Result<std::size_t> try_write(std::span<const Span> parts) = 0;
  // Ends both directions: what waits in read or write returns `cancelled`. May be called again.
  virtual void close() = 0;
  // Belongs to `loop` from the return on. Nothing may be in flight.
  virtual void move_to(rt::Loop& loop) = 0;

  [[nodiscard]] virtual std::string peer_name() const = 0;                              // for logs
  [[nodiscard]] virtual std::optional<Fingerprint> peer_fingerprint() const { return std::nullopt; }   // TLS only
  [[nodiscard]] virtual std::optional<unsigned> peer_uid() const { return std::nullopt; }              // Unix sockets only
};

// All of `into`, or an error; the end of the stream before that is unreachable.
rt::Task<Result<>> read_all(Stream& stream, MutSpan into);

class Listener {
 public:
  virtual ~Listener() = default;
  virtual rt::Task<Result<std::unique_ptr<Stream>>> accept() = 0;   // cancelled after close()
  virtual void close() = 0;
  [[nodiscard]] virtual Address address() const = 0;                // with the port that was chosen
};

// Called on the loop that the result will live on.
class Net {
 public:
  virtual ~Net() = default;
  virtual rt::Task<Result<std::unique_ptr<Listener>>> listen(rt::Loop& loop, Address address) = 0;
  virtual rt::Task<Result<std::unique_ptr<Stream>>> connect(rt::Loop& loop, Address address, Duration at_most) = 0;
};

}  // namespace lockstep::os
