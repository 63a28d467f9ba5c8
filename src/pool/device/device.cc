#include "pool/device/device.h"

#include <algorithm>

#include "pool/device/signature.h"

namespace lockstep::pool::device {

Result<std::unique_ptr<Device>> Device::open(os::Files& below, os::Random& random, const std::string& path, bool create, Bytes chunk) {
  std::unique_ptr<Device> device(new Device(below, path));
  TRY(device->claim_, below.claim(path));
  TRY(device->disk_, below.open_blocking(path, os::OpenOptions{}));
  bool whole = true;
  TRY(Superblock superblock, device->look(create, random, chunk, whole));
  device->table_ = std::make_unique<Table>(std::move(superblock), path);
  if (!whole) TRY_VOID(device->save());
  return device;
}

Result<Superblock> Device::read_slot(Bytes at) {
  Buffer bytes(block_size);
  TRY(std::size_t n, disk_->read(at, bytes));
  bytes.resize(n);
  TRY(Bytes length, length_of(bytes));
  bytes.resize(length.value);
  TRY(n, disk_->read(at, bytes));
  return decode(Span(bytes).first(n));
}

// `whole`: both copies are there and say the same. Only a power cut while the second was written, or damage, makes them differ.
Result<Superblock> Device::look(bool create, os::Random& random, Bytes chunk, bool& whole) {
  TRY(Bytes size, disk_->size());
  std::optional<Superblock> newest;
  std::optional<Error> trouble;
  bool ours = false;
  for (Bytes at : slots) {
    auto copy = size >= data_start ? read_slot(at) : Result<Superblock>(fail(Code::not_found, ""));
    if (!copy) {
      if (copy.error().code == Code::io) return fail(copy.error());
      if (copy.error().code != Code::not_found) trouble = copy.error().in(path_);
      ours = ours || copy.error().code == Code::corrupt;
      whole = false;
      continue;
    }
    if (newest && !(*newest == *copy)) whole = false;
    if (!newest || newest->sequence < copy->sequence) newest = std::move(*copy);
  }
  if (!newest) {
    if (trouble && trouble->code == Code::unsupported) return fail(*trouble);
    if (create) return begin(random, size, chunk);
    if (trouble) return fail(*trouble);
    return fail(Code::not_found, path_ + ": there is no pool");
  }
  const std::uint64_t chunks = chunks_in(size, newest->chunk);
  if (chunks < newest->chunks) {
    return fail(Code::corrupt, path_ + ": it has " + std::to_string(size.value >> 20) + " MiB, and had " +
                                   std::to_string(offset_of_chunk(newest->chunks, newest->chunk).value >> 20) + " when it was last used. Bring back its end");
  }
  if (chunks > newest->chunks) whole = false;   // it grew
  newest->chunks = chunks;
  return *newest;
}

Result<> Device::refuse_what_is_there(Bytes size) {
  Buffer first(1 << 20), last(1 << 20);
  TRY(std::size_t n, disk_->read(Bytes{0}, first));
  first.resize(n);
  TRY(n, disk_->read(Bytes{size.value - std::min<std::uint64_t>(size.value, last.size())}, last));
  last.resize(n);
  const std::string there = what_is_there(first, last);
  if (there.empty()) return {};
  return fail(Code::exists, path_ + ": it holds " + there + ". A pool takes only what is empty: its first 8 and its last MiB zero (blkdiscard or dd does that), or another device");
}

// The copy that lies where nobody looks for a file system comes first: one that is torn does not keep the next attempt away.
Result<Superblock> Device::begin(os::Random& random, Bytes size, Bytes chunk) {
  if (chunk.value == 0) chunk = chunk_for(size);
  if (chunks_in(size, chunk) < chunks_least) {
    return fail(Code::invalid, path_ + ": it has " + std::to_string(size.value >> 20) + " MiB; a pool needs at least " +
                                   std::to_string(offset_of_chunk(chunks_least, chunk).value >> 20));
  }
  TRY_VOID(refuse_what_is_there(size));
  Superblock superblock;
  superblock.id = random.id<PoolId>();
  superblock.chunk = chunk;
  superblock.chunks = chunks_in(size, chunk);
  superblock.sequence = 1;
  TRY_VOID(write(superblock));
  return superblock;
}

Result<> Device::write(const Superblock& superblock) {
  Buffer bytes = encode(superblock);
  bytes.resize((bytes.size() + block_size - 1) / block_size * block_size);
  for (Bytes at : slots) {
    TRY_VOID(disk_->write(at, bytes));
    TRY_VOID(disk_->sync());
  }
  return {};
}

Result<> Device::save() {
  std::lock_guard lock(saving_);
  if (failed_) return fail(*failed_);
  std::uint64_t version = 0;
  const Superblock superblock = table_->to_save(version);
  // First what it names: the bytes of files, and the zeroes of those that grew.
  Result<> done = disk_->sync();
  if (done) done = write(superblock);
  if (!done) {
    failed_ = done.error().in("writing the superblock");
    return done;
  }
  table_->saved(version);
  return {};
}

Result<> Device::zero(const Growth& growth) {
  for (auto [at, length] : growth.to_zero) {
    TRY_VOID(disk_->punch(at, length));
    TRY_VOID(disk_->allocate(at, length));   // of an image file: space that is really there
  }
  return {};
}

Result<> Device::grow(Node& node, Bytes end) {
  if (table_->has_room(node, end)) return {};
  std::lock_guard lock(growing_);
  auto growth = table_->begin_growth(node, end);
  if (!growth && growth.error().code == Code::busy) {
    TRY_VOID(save());
    growth = table_->begin_growth(node, end);
  }
  if (!growth) return fail(growth.error().code == Code::busy ? Code::no_space : growth.error().code, growth.error().message);
  auto zeroed = zero(*growth);
  if (!zeroed) {
    table_->not_grown(*growth);
    return zeroed;
  }
  table_->grown(node, *growth);
  return {};
}

}  // namespace lockstep::pool::device
