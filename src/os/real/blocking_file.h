// SystemBlockingFile: plain calls that may block. Used by one worker job at a time.
#pragma once

#include <optional>
#include <string>

#include "os/os.h"
#include "os/real/open_file.h"

namespace lockstep::os::real {

class SystemBlockingFile final : public BlockingFile {
 public:
  SystemBlockingFile(OpenedFile file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  Result<std::size_t> read(Bytes at, MutSpan into) override;
  Result<> write(Bytes at, Span from) override;
  Result<> truncate(Bytes size) override;
  Result<> allocate(Bytes at, Bytes length) override;
  Result<> punch(Bytes at, Bytes length) override;
  Result<> sync() override;
  [[nodiscard]] Result<Bytes> size() override { return size_of(file_, path_); }
  [[nodiscard]] const std::string& path() const override { return path_; }

 private:
  [[nodiscard]] std::unexpected<Error> failed(int error_number, const char* attempt) const;
  OpenedFile file_;
  const std::string path_;
  std::optional<Error> sync_failed_;  // final: see SystemFile
};

}  // namespace lockstep::os::real
