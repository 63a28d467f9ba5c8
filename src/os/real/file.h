// SystemFile: a file or block device on one loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/os.h"
#include "os/real/io_loop.h"
#include "os/real/open_file.h"

namespace lockstep::os::real {

class SystemFile final : public File {
 public:
  SystemFile(IoLoop& loop, OpenedFile file, std::string path, bool direct);
  ~SystemFile() override;

  rt::Task<Result<>> read(Bytes at, MutSpan into) override;
  Result<bool> try_read(Bytes at, MutSpan into) override;
  rt::Task<Result<>> write(Bytes at, std::vector<Span> parts) override;
  Result<> write_now(Bytes at, std::span<const Span> parts) override;
  void start_writeback(Bytes at, Bytes length) override;
  rt::Task<Result<>> sync() override;
  rt::Task<Result<>> allocate(Bytes at, Bytes length) override;
  rt::Task<Result<>> punch(Bytes at, Bytes length) override;
  [[nodiscard]] Bytes size() const override;
  [[nodiscard]] const std::string& path() const override { return path_; }

 private:
  // How many bytes the page cache gave at once, or -errno; -EAGAIN also when it cannot be asked.
  ssize_t read_cached(std::uint64_t at, MutSpan into);
  [[nodiscard]] std::unexpected<Error> failed(ssize_t error, const char* attempt) const;
  [[nodiscard]] std::unexpected<Error> past_the_end(std::uint64_t at) const;

  IoLoop& loop_;
  OpenedFile file_;
  const std::string path_;
  unsigned hints_to_skip_ = 0;
  bool asks_cache_;                   // reading without waiting works here
  std::vector<int> idle_syncs_;       // descriptors that no sync is using
  rt::Signal sync_ended_;
  std::optional<Error> sync_failed_;  // the kernel forgets a failed write-back once told: we do not
};

}  // namespace lockstep::os::real
