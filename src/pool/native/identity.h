// Identity: the file DIR/pool, which says that a directory holds a pool, and which. Blocking: worker jobs only.
// On disk: docs/formats/pool.md.
#pragma once

#include <memory>
#include <string>

#include "base/base.h"
#include "os/os.h"

namespace lockstep::pool::native {

struct Identity {
  PoolId id;
  std::string name;
  bool operator==(const Identity&) const = default;
};

[[nodiscard]] Buffer encode(const Identity& identity);
[[nodiscard]] Result<Identity> decode_identity(Span bytes);

struct Home {
  Identity identity;
  bool fresh = false;   // the file is to be written by settle() once journal and store exist
  std::unique_ptr<os::FileLock> lock;
};

// Locks `directory` and reads who lives there. Where nobody does and `create`: prepares a new pool, which is there only after settle().
// A creation that was cut short is begun again under the same id.
[[nodiscard]] Result<Home> move_in(os::Files& files, os::Random& random, const std::string& directory, const std::string& name, bool create);
// The pool exists from the return on, after a power cut too.
[[nodiscard]] Result<> settle(os::Files& files, const std::string& directory);

}  // namespace lockstep::pool::native
