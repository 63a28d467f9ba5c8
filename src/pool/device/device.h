// Device: a block device or an image file that holds files. Opening, growing files, making what changed durable.
// Promises: the files in the superblock are a state that there was; chunks read as zeroes until they are written; after save() all
//           changes and all bytes written before the call survive a power cut.
// Refuses:  what holds something else; a device in use; to go on after a superblock could not be written.
// Blocking: worker jobs only, from any thread.   On disk: docs/formats/device.md.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "os/os.h"
#include "pool/device/table.h"

namespace lockstep::pool::device {

class Device {
 public:
  // `create`: where nothing lies (or a creation was cut short), a superblock without files is written. `chunk`: then; 0: by the size.
  static Result<std::unique_ptr<Device>> open(os::Files& below, os::Random& random, const std::string& path, bool create, Bytes chunk);

  // Room for [0, end) of the file.
  Result<> grow(Node& node, Bytes end);
  Result<> save();

  // Zeroes for `grow` from elsewhere. No two grow at once.
  [[nodiscard]] std::mutex& growing() { return growing_; }
  [[nodiscard]] Table& table() { return *table_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] os::Files& below() { return below_; }

 private:
  Device(os::Files& below, std::string path) : below_(below), path_(std::move(path)) {}
  Result<Superblock> look(bool create, os::Random& random, Bytes chunk, bool& whole);
  Result<Superblock> begin(os::Random& random, Bytes size, Bytes chunk);
  Result<Superblock> read_slot(Bytes at);
  Result<> refuse_what_is_there(Bytes size);
  Result<> write(const Superblock& superblock);
  Result<> zero(const Growth& growth);

  os::Files& below_;
  const std::string path_;
  std::unique_ptr<os::FileLock> claim_;
  std::unique_ptr<os::BlockingFile> disk_;
  std::unique_ptr<Table> table_;
  std::mutex growing_;
  std::mutex saving_;
  std::optional<Error> failed_;   // by saving_
};

}  // namespace lockstep::pool::device
