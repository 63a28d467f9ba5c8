// Opening: options to flags, and what kind of thing was opened. May block: worker jobs only.
#pragma once

#include <string>
#include <vector>

#include "os/os.h"
#include "os/real/fd.h"

namespace lockstep::os::real {

struct OpenedFile {
  Fd fd;
  bool is_device = false;  // a block device: its size is fixed
  Bytes device_size;
  std::vector<Fd> more;    // the same file opened again: each tells on its own whether something could not be written
};

[[nodiscard]] Result<OpenedFile> open_file(const std::string& path, const OpenOptions& options);
// Of a device, what it was when opened; else what the file system says now.
[[nodiscard]] Result<Bytes> size_of(const OpenedFile& file, const std::string& path);

// Zeroes in [at, at+length), giving the space back where the system can; the size stays. May block.
[[nodiscard]] int punch_or_zero(const OpenedFile& file, std::uint64_t at,
                                std::uint64_t length) noexcept;  // 0 or errno
// Space for [at, at+length), growing the file. May block.
[[nodiscard]] int allocate_space(const OpenedFile& file, std::uint64_t at,
                                 std::uint64_t length) noexcept;  // 0 or errno

}  // namespace lockstep::os::real
