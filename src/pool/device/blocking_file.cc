// The blocking face.
#include "pool/device/file.h"

namespace lockstep::pool::device {

namespace {

class DeviceBlockingFile final : public os::BlockingFile {
 public:
  DeviceBlockingFile(Device& device, NodePtr node, std::string path, os::OpenOptions options, std::unique_ptr<os::BlockingFile> below)
      : device_(device), path_(std::move(path)), options_(options), below_(std::move(below)), map_(device.table(), std::move(node)) {}
  ~DeviceBlockingFile() override { device_.table().close(map_.pointer()); }

  Result<std::size_t> read(Bytes at, MutSpan into) override {
    map_.refresh();
    if (at >= map_.size()) return std::size_t{0};
    const std::size_t n = std::min<std::uint64_t>(into.size(), (map_.size() - at).value);
    into = into.first(n);
    for (Piece piece : map_.pieces(at, n)) {
      TRY(std::size_t got, below_->read(piece.at, into.first(piece.length)));
      if (got < piece.length) return fail(Code::io, path_ + ": the device ends inside the file");
      into = into.subspan(piece.length);
    }
    return n;
  }

  Result<> write(Bytes at, Span from) override {
    TRY_VOID(writable());
    if (from.empty()) return {};
    const Bytes end = at + Bytes{from.size()};
    map_.refresh();
    const bool grows = end > map_.size();
    if (grows) TRY_VOID(device_.grow(map_.node(), end));
    map_.refresh();
    for (Piece piece : map_.pieces(at, from.size())) {
      TRY_VOID(below_->write(piece.at, from.first(piece.length)));
      from = from.subspan(piece.length);
    }
    if (grows) device_.table().extend(map_.node(), end);
    return {};
  }

  Result<> truncate(Bytes size) override {
    TRY_VOID(writable());
    map_.refresh();
    if (size > map_.size()) return allocate(Bytes{0}, size);
    device_.table().truncate(map_.node(), size);
    return {};
  }

  Result<> allocate(Bytes at, Bytes length) override {
    TRY_VOID(writable());
    TRY_VOID(device_.grow(map_.node(), at + length));
    device_.table().extend(map_.node(), at + length);
    return {};
  }

  Result<> punch(Bytes at, Bytes length) override {
    TRY_VOID(writable());
    map_.refresh();
    if (at >= map_.size()) return {};
    for (Piece piece : map_.pieces(at, std::min(length, map_.size() - at).value)) TRY_VOID(below_->punch(piece.at, Bytes{piece.length}));
    return {};
  }

  Result<> sync() override {
    TRY_VOID(below_->sync());
    if (!device_.table().unsaved(map_.node())) return {};
    return device_.save();
  }

  [[nodiscard]] Result<Bytes> size() override {
    map_.refresh();
    return map_.size();
  }
  [[nodiscard]] const std::string& path() const override { return path_; }

 private:
  [[nodiscard]] Result<> writable() const {
    if (options_.read_only) return fail(Code::invalid, path_ + ": opened for reading only");
    return {};
  }
  Device& device_;
  const std::string path_;
  const os::OpenOptions options_;
  std::unique_ptr<os::BlockingFile> below_;
  Map map_;
};

}  // namespace

std::unique_ptr<os::BlockingFile> make_blocking_file(Device& device, NodePtr node, std::string path, os::OpenOptions options,
                                                     std::unique_ptr<os::BlockingFile> below) {
  return std::make_unique<DeviceBlockingFile>(device, std::move(node), std::move(path), options, std::move(below));
}

}  // namespace lockstep::pool::device
