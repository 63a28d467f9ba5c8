// DataFile: places as bytes. Reads go through the page cache, writes past it; both see one file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::store {

class DataFile {
 public:
  static rt::Task<Result<std::unique_ptr<DataFile>>> open(os::Files& files, rt::Loop& loop, std::string path);

  [[nodiscard]] std::uint64_t places() const { return places_; }
  Result<bool> try_read(Place place, MutSpan into) { return cached_->try_read(offset_of(place), into); }
  rt::Task<Result<>> read(Place place, MutSpan into) { return cached_->read(offset_of(place), into); }
  rt::Task<Result<>> write(Place place, std::vector<Span> parts) { return direct_->write(offset_of(place), std::move(parts)); }
  rt::Task<Result<>> sync() { return direct_->sync(); }
  rt::Task<Result<>> grow(std::uint64_t places);   // to so many

 private:
  DataFile() = default;
  std::unique_ptr<os::File> cached_;
  std::unique_ptr<os::File> direct_;
  std::uint64_t places_ = 0;
};

}  // namespace lockstep::store
