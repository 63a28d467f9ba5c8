#include <algorithm>

#include "os/sim/files.h"

namespace lockstep::os::sim {

Handle::Handle(Life& life, std::string path, std::shared_ptr<FileNode> node, OpenOptions options)
    : life_(life), path_(std::move(path)), node_(std::move(node)), options_(options), failures_heard_(node_->syncs_failed) {
  ++node_->handles;
}

Handle::~Handle() {
  if (life_.dead()) return;   // its handles were counted out at the restart
  --node_->handles;
  life_.disk().recount(*node_);
}

void Handle::check_aligned(std::uint64_t at, Span memory) const {
  if (!options_.direct) return;
  CHECK(at % 4096 == 0);
  CHECK(memory.size() % 4096 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % 4096 == 0);
}

Result<> Handle::may_change(std::uint64_t at, std::uint64_t length) {
  if (life_.dead() || !life_.disk().operation()) return dead();
  if (options_.read_only) return fail(Code::invalid, path_ + ": opened for reading only");
  if (length > 0 && !life_.disk().fits(*node_, at, length)) return fail(Code::no_space, path_ + ": no space left on device");
  return {};
}

Result<std::size_t> Handle::read(std::uint64_t at, MutSpan into) {
  if (life_.dead()) return dead();
  check_aligned(at, into);
  if (at >= size()) return std::size_t{0};
  std::size_t n = std::min<std::uint64_t>(into.size(), size() - at);
  if (!node_->readable(at, n)) return fail(Code::io, path_ + ": read at " + std::to_string(at) + ": input/output error");
  node_->content().read(at, into.first(n));
  return n;
}

Result<> Handle::write(std::uint64_t at, std::span<const Span> parts) {
  Buffer whole;
  for (Span part : parts) {
    check_aligned(at + whole.size(), part);
    whole.insert(whole.end(), part.begin(), part.end());
  }
  bool lived = !life_.dead();
  if (auto may = may_change(at, whole.size()); !may) {
    if (lived && life_.dead() && life_.disk().died_inside()) write_begun(at, std::move(whole));
    return may;
  }
  if (whole.empty()) return {};
  if (node_->writes_to_fail > 0) {
    --node_->writes_to_fail;
    return fail(Code::io, path_ + ": write at " + std::to_string(at) + ": input/output error");
  }
  life_.world().fold(Event::disk, at, checksum_of(whole).value);
  node_->write(at, std::move(whole));
  life_.disk().recount(*node_);
  return {};
}

// A process that is killed inside a write has written its first pages, perhaps.
void Handle::write_begun(std::uint64_t at, Buffer whole) {
  std::uint64_t end = at + life_.disk().rng().below(whole.size() + 1);
  end -= end % Content::page_size;
  if (end <= at || options_.read_only || !life_.disk().fits(*node_, at, end - at)) return;
  whole.resize(end - at);
  node_->write(at, std::move(whole));
  life_.disk().recount(*node_);
}

Result<> Handle::truncate(std::uint64_t size) {
  TRY_VOID(may_change(0, 0));
  node_->truncate(size);
  life_.disk().recount(*node_);
  return {};
}

Result<> Handle::allocate(std::uint64_t at, std::uint64_t length) {
  TRY_VOID(may_change(at, length));
  node_->allocate(at, length);
  life_.disk().recount(*node_);
  return {};
}

Result<> Handle::punch(std::uint64_t at, std::uint64_t length) {
  TRY_VOID(may_change(0, 0));
  node_->punch(at, length);
  life_.disk().recount(*node_);
  return {};
}

Result<> Handle::sync(std::uint64_t heard) {
  if (life_.dead() || !life_.disk().operation()) return dead();
  if (node_->syncs_to_fail > 0) {
    --node_->syncs_to_fail;
    ++node_->syncs_failed;
    node_->sync_badly(life_.disk().rng());
    return fail(Code::io, path_ + ": sync: input/output error");
  }
  if (node_->syncs_failed != heard) return fail(Code::io, path_ + ": sync: input/output error");
  node_->sync();
  return {};
}

void Handle::start_writeback(std::uint64_t at, std::uint64_t length) {
  if (!life_.dead()) node_->write_back(at, length, life_.disk().rng());
}

}  // namespace lockstep::os::sim
