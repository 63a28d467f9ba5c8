// For tests of devices: image files to make them of.
#pragma once

#include <algorithm>

#include "os/os.h"
#include "pool/device/host.h"

namespace lockstep::pool::device {

// A file of `size` zeroes. Worker jobs only.
inline Result<> make_image(os::Files& files, const std::string& path, Bytes size) {
  TRY(auto file, files.open_blocking(path, os::OpenOptions{.create = os::Create::must_be_new}));
  TRY_VOID(file->truncate(size));
  TRY_VOID(file->sync());
  return files.sync_directory(path.substr(0, std::max<std::size_t>(1, path.rfind('/'))));
}

}  // namespace lockstep::pool::device
