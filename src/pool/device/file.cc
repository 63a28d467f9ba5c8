// The asynchronous face.
#include "pool/device/file.h"

#include <array>

namespace lockstep::pool::device {

namespace {

std::uint64_t length_of_all(std::span<const Span> parts) {
  std::uint64_t length = 0;
  for (Span part : parts) length += part.size();
  return length;
}

// Takes the first `length` bytes off `parts`, whose first has lost `taken` already.
std::vector<Span> take(std::span<const Span>& parts, std::size_t& taken, std::uint64_t length) {
  std::vector<Span> out;
  while (length > 0) {
    Span rest = parts.front().subspan(taken);
    Span now = rest.first(std::min<std::uint64_t>(length, rest.size()));
    out.push_back(now);
    length -= now.size();
    taken += now.size();
    if (taken == parts.front().size()) {
      parts = parts.subspan(1);
      taken = 0;
    }
  }
  return out;
}

class DeviceFile final : public os::File {
 public:
  DeviceFile(Device& device, NodePtr node, std::string path, os::OpenOptions options, std::unique_ptr<os::File> below, rt::Loop& loop)
      : device_(device), loop_(loop), path_(std::move(path)), options_(options), below_(std::move(below)), map_(device.table(), std::move(node)) {}
  ~DeviceFile() override { device_.table().close(map_.pointer()); }

  rt::Task<Result<>> read(Bytes at, MutSpan into) override {
    map_.refresh();
    if (inside(at, into.size()))
      if (auto where = map_.whole(at, into.size())) return below_->read(*where, into);
    return read_pieces(at, into);
  }

  Result<bool> try_read(Bytes at, MutSpan into) override {
    map_.refresh();
    if (!inside(at, into.size())) return past_the_end(at, into.size());
    if (auto where = map_.whole(at, into.size())) return below_->try_read(*where, into);
    for (Piece piece : map_.pieces(at, into.size())) {
      TRY(bool there, below_->try_read(piece.at, into.first(piece.length)));
      if (!there) return false;
      into = into.subspan(piece.length);
    }
    return true;
  }

  rt::Task<Result<>> write(Bytes at, std::vector<Span> parts) override {
    const std::uint64_t length = length_of_all(parts);
    map_.refresh();
    if (!options_.read_only && inside(at, length))
      if (auto where = map_.whole(at, length)) return below_->write(*where, std::move(parts));
    return write_pieces(at, std::move(parts), length);
  }

  Result<> write_now(Bytes at, std::span<const Span> parts) override {
    TRY_VOID(writable());
    const std::uint64_t length = length_of_all(parts);
    if (length == 0) return {};
    map_.refresh();
    const bool grows = !inside(at, length);
    if (grows) TRY_VOID(grow_now(at + Bytes{length}));
    if (auto where = map_.whole(at, length)) {
      TRY_VOID(below_->write_now(*where, parts));
    } else {
      std::size_t taken = 0;
      for (Piece piece : map_.pieces(at, length)) TRY_VOID(below_->write_now(piece.at, take(parts, taken, piece.length)));
    }
    if (grows) device_.table().extend(map_.node(), at + Bytes{length});
    return {};
  }

  void start_writeback(Bytes at, Bytes length) override {
    map_.refresh();
    if (at >= map_.size()) return;
    for (Piece piece : map_.pieces(at, std::min(length, map_.size() - at).value)) below_->start_writeback(piece.at, Bytes{piece.length});
  }

  rt::Task<Result<>> sync() override {
    if (!device_.table().unsaved(map_.node())) return below_->sync();
    return save();
  }

  rt::Task<Result<>> allocate(Bytes at, Bytes length) override {
    CO_TRY_VOID(writable());
    const Bytes end = at + length;
    auto job = [this, end] { return device_.grow(map_.node(), end); };
    auto working = rt::work(loop_, job);
    CO_TRY_VOID(co_await working);
    device_.table().extend(map_.node(), end);
    co_return Result<>{};
  }

  rt::Task<Result<>> punch(Bytes at, Bytes length) override {
    CO_TRY_VOID(writable());
    map_.refresh();
    if (at >= map_.size()) co_return Result<>{};
    const std::vector<Piece> pieces = map_.pieces(at, std::min(length, map_.size() - at).value);
    for (const Piece& piece : pieces) CO_TRY_VOID(co_await below_->punch(piece.at, Bytes{piece.length}));
    co_return Result<>{};
  }

  [[nodiscard]] Bytes size() const override { return device_.table().shape_of(*map_.pointer()).size; }
  [[nodiscard]] const std::string& path() const override { return path_; }

 private:
  [[nodiscard]] bool inside(Bytes at, std::uint64_t length) const { return at <= map_.size() && length <= (map_.size() - at).value; }
  [[nodiscard]] std::unexpected<Error> past_the_end(Bytes at, std::uint64_t length) const {
    return fail(Code::out_of_range, path_ + ": read of " + std::to_string(length) + " bytes at " + std::to_string(at.value) + " passes the end of the file");
  }
  [[nodiscard]] Result<> writable() const {
    if (options_.read_only) return fail(Code::invalid, path_ + ": opened for reading only");
    return {};
  }

  rt::Task<Result<>> read_pieces(Bytes at, MutSpan into) {
    if (!inside(at, into.size())) co_return past_the_end(at, into.size());
    const std::vector<Piece> pieces = map_.pieces(at, into.size());
    for (const Piece& piece : pieces) {
      CO_TRY_VOID(co_await below_->read(piece.at, into.first(piece.length)));
      into = into.subspan(piece.length);
    }
    co_return Result<>{};
  }

  rt::Task<Result<>> write_pieces(Bytes at, std::vector<Span> parts, std::uint64_t length) {
    CO_TRY_VOID(writable());
    if (length == 0) co_return Result<>{};
    const Bytes end = at + Bytes{length};
    if (end > map_.size()) {
      auto job = [this, end] { return device_.grow(map_.node(), end); };
      auto working = rt::work(loop_, job);
      CO_TRY_VOID(co_await working);
      map_.refresh();
    }
    const std::vector<Piece> pieces = map_.pieces(at, length);
    std::span<const Span> rest(parts);
    std::size_t taken = 0;
    for (const Piece& piece : pieces) {
      std::vector<Span> now = take(rest, taken, piece.length);
      CO_TRY_VOID(co_await below_->write(piece.at, std::move(now)));
    }
    device_.table().extend(map_.node(), end);
    co_return Result<>{};
  }

  // On the caller's stack, so the zeroes go through the page cache too. Nothing that a pool writes in this way grows a file.
  Result<> grow_now(Bytes end) {
    static const std::array<std::byte, 65536> zeroes{};
    Table& table = device_.table();
    std::lock_guard lock(device_.growing());
    if (!table.has_room(map_.node(), end)) {
      TRY(Growth growth, table.begin_growth(map_.node(), end));
      for (auto [at, length] : growth.to_zero) {
        while (length.value > 0) {
          const std::array<Span, 1> part{Span(zeroes).first(std::min<std::uint64_t>(length.value, zeroes.size()))};
          if (auto written = below_->write_now(at, part); !written) {
            table.not_grown(growth);
            return written;
          }
          at += Bytes{part[0].size()};
          length -= Bytes{part[0].size()};
        }
      }
      table.grown(map_.node(), growth);
    }
    map_.refresh();
    return {};
  }

  // The bytes first, through the handle that wrote them; then what says where they are.
  rt::Task<Result<>> save() {
    CO_TRY_VOID(co_await below_->sync());
    auto job = [this] { return device_.save(); };
    auto working = rt::work(loop_, job);
    co_return co_await working;
  }

  Device& device_;
  rt::Loop& loop_;
  const std::string path_;
  const os::OpenOptions options_;
  std::unique_ptr<os::File> below_;
  Map map_;
};

}  // namespace

std::unique_ptr<os::File> make_file(Device& device, NodePtr node, std::string path, os::OpenOptions options, std::unique_ptr<os::File> below, rt::Loop& loop) {
  return std::make_unique<DeviceFile>(device, std::move(node), std::move(path), options, std::move(below), loop);
}

}  // namespace lockstep::pool::device
