#include "os/sim/disk.h"

#include <algorithm>

#include "os/sim/file_node.h"

namespace lockstep::os::sim {

Disk::Disk(const DiskOptions& options, Rng rng)
    : options_(options), rng_(rng), root_(std::make_shared<Directory>()), capacity_(options.capacity.value) {}

Disk::~Disk() = default;

// --- faults and looking

bool Disk::operation() {
  ++operations_;
  if (operations_ != die_at_) return true;
  on_death_();
  return false;
}

FileNode& Disk::must_find(const std::string& path) const {
  const Node* node = find(path);
  CHECK(node != nullptr && node->file != nullptr);
  return *node->file;
}

void Disk::corrupt(const std::string& path, Bytes at, std::byte mask) { must_find(path).flip(at.value, mask); }
void Disk::fail_reads(const std::string& path, Bytes at, Bytes length) {
  must_find(path).fail_reads(at.value, length.value);
}
void Disk::heal_reads(const std::string& path) { must_find(path).heal_reads(); }
void Disk::fail_writes(const std::string& path, int count) { must_find(path).writes_to_fail = count; }
void Disk::fail_syncs(const std::string& path, int count) { must_find(path).syncs_to_fail = count; }

bool Disk::exists(const std::string& path) const { return find(path) != nullptr; }
bool Disk::unsynced(const std::string& path) const { return must_find(path).unsynced(); }

Buffer Disk::bytes_of(const std::string& path) const {
  const Content& content = must_find(path).content();
  Buffer out(content.size());
  content.read(0, out);
  return out;
}

std::vector<std::string> Disk::all_files() const {
  std::vector<std::string> out;
  auto walk = [&](auto& self, const Directory& directory, const std::string& path) -> void {
    for (const auto& [name, node] : directory.now) {
      std::string whole = path;
      whole += '/';
      whole += name;
      if (node.directory) self(self, *node.directory, whole);
      else out.push_back(std::move(whole));
    }
  };
  walk(walk, *root_, "");
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t Disk::fingerprint() const {
  Checksummer sum;
  for (const std::string& path : all_files()) {
    sum.add(as_span(path));
    sum.add(bytes_of(path));
  }
  return sum.value().value;
}

// --- space

bool Disk::fits(const FileNode& file, std::uint64_t at, std::uint64_t length) const {
  std::uint64_t more = file.content().pages_missing(at, length);
  return more == 0 || (used_ + more) * page_size <= capacity_;
}

void Disk::recount(FileNode& file) {
  std::uint64_t pages = file.links + file.handles > 0 ? file.content().pages() : 0;
  used_ += pages;
  used_ -= file.counted;
  file.counted = pages;
}

// --- locks

bool Disk::lock(const std::string& path, std::uint64_t& ticket) {
  ticket = next_ticket_++;
  return locks_.emplace(path, ticket).second;
}

void Disk::unlock(const std::string& path, std::uint64_t ticket) {
  auto it = locks_.find(path);
  if (it != locks_.end() && it->second == ticket) locks_.erase(it);   // else it was a dead life's
}

// --- power

void Disk::power_cut(Tear tear) {
  constexpr Tear kinds[] = {Tear::keep_all, Tear::lose_all, Tear::whole_writes, Tear::sectors, Tear::mid_sector};
  if (tear == Tear::any) tear = kinds[rng_.below(std::size(kinds))];
  std::vector<Directory*> lost;   // directories whose later changes cannot have survived
  for (const NameChange& names : pending_) {
    bool survives = tear == Tear::keep_all || (tear != Tear::lose_all && !touches(names, lost) && rng_.coin());
    if (survives) apply(names);
    else
      for (const Naming& naming : names) lost.push_back(naming.in.get());
  }
  pending_.clear();
  used_ = 0;
  settle(*root_, tear);
}

void Disk::settle(Directory& directory, Tear tear) {
  directory.now = directory.durable;
  for (auto& [name, node] : directory.now) {
    if (node.directory) {
      settle(*node.directory, tear);
    } else {
      node.file->power_cut(tear, rng_);
      node.file->links = 1;
      node.file->handles = 0;
      node.file->counted = 0;
      recount(*node.file);
    }
  }
}

void Disk::start_over() {
  die_at_ = 0;
  locks_.clear();
  auto walk = [&](auto& self, Directory& directory) -> void {
    for (auto& [name, node] : directory.now) {
      if (node.directory) self(self, *node.directory);
      else node.file->handles = 0;
    }
  };
  walk(walk, *root_);
  // Files that only a dead handle kept are gone.
  used_ = 0;
  auto count = [&](auto& self, Directory& directory) -> void {
    for (auto& [name, node] : directory.now) {
      if (node.directory) {
        self(self, *node.directory);
      } else {
        node.file->counted = 0;
        recount(*node.file);
      }
    }
  };
  count(count, *root_);
}

}  // namespace lockstep::os::sim
