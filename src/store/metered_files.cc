#include "store/metered_files.h"

namespace lockstep::store {
namespace {

class MeteredFile final : public os::BlockingFile {
 public:
  MeteredFile(std::unique_ptr<os::BlockingFile> below, std::atomic<std::uint64_t>& written) : below_(std::move(below)), written_(written) {}
  Result<std::size_t> read(Bytes at, MutSpan into) override { return below_->read(at, into); }
  Result<> write(Bytes at, Span from) override {
    written_.fetch_add(from.size(), std::memory_order_relaxed);
    return below_->write(at, from);
  }
  Result<> truncate(Bytes size) override { return below_->truncate(size); }
  Result<> allocate(Bytes at, Bytes length) override { return below_->allocate(at, length); }
  Result<> punch(Bytes at, Bytes length) override { return below_->punch(at, length); }
  Result<> sync() override { return below_->sync(); }
  Result<Bytes> size() override { return below_->size(); }
  const std::string& path() const override { return below_->path(); }

 private:
  std::unique_ptr<os::BlockingFile> below_;
  std::atomic<std::uint64_t>& written_;
};

}  // namespace

Result<std::unique_ptr<os::BlockingFile>> MeteredFiles::open_blocking(const std::string& path, os::OpenOptions options) {
  TRY(auto file, below_.open_blocking(path, options));
  return std::make_unique<MeteredFile>(std::move(file), written_);
}

}  // namespace lockstep::store
