// The two faces of a file on a device. A file in one piece costs a comparison per call more than the device itself.
#pragma once

#include <memory>

#include "os/os.h"
#include "pool/device/device.h"
#include "pool/device/map.h"

namespace lockstep::pool::device {

// `node` counts a handle already; `below` is the device, opened on `loop` with the same options.
std::unique_ptr<os::File> make_file(Device& device, NodePtr node, std::string path, os::OpenOptions options, std::unique_ptr<os::File> below, rt::Loop& loop);
std::unique_ptr<os::BlockingFile> make_blocking_file(Device& device, NodePtr node, std::string path, os::OpenOptions options,
                                                     std::unique_ptr<os::BlockingFile> below);

}  // namespace lockstep::pool::device
