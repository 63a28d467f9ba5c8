// Disk: a host's files. It outlives the host's lives, and decides at a power cut what of the unsynced is left.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "os/file.h"
#include "os/sim/options.h"
#include "os/sim/rng.h"

namespace lockstep::os::sim {

class FileNode;

// What a power cut does to each change that was not synced. Creations, renames and removals in one directory survive in
// their order, up to some point; those of different directories independently.
enum class Tear {
  keep_all,       // everything reached the medium in time
  lose_all,       // nothing did: exactly what was synced is left
  whole_writes,   // each write survives or is lost
  sectors,        // each write survives, is lost, or is torn between sectors
  mid_sector,     // and one sector of a torn write may be partly new, or garbage
  any,            // one of the above, by the seed
};

class Disk {
 public:
  Disk(const DiskOptions& options, Rng rng);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // Faults. Paths must exist (CHECK).
  // The host dies, as by a power cut, at the n-th operation (counted from 1 over the disk's whole life) and that operation
  // does not happen. An operation is a call that would change something or make it durable. 0: never mind.
  void die_before(std::uint64_t operation) { set_death(operation, false); }
  // The same, but if that operation is a write, a part of it from its beginning happens: in the page cache, not synced.
  void die_during(std::uint64_t operation) { set_death(operation, true); }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  void corrupt(const std::string& path, Bytes at, std::byte mask = std::byte{1});    // flips bits of one byte
  void fail_reads(const std::string& path, Bytes at, Bytes length);                  // until written over, or healed
  void heal_reads(const std::string& path);
  void fail_writes(const std::string& path, int count);                              // the next so many, with io
  void fail_syncs(const std::string& path, int count);                               // and what they covered is lost or not
  void set_capacity(Bytes capacity) { capacity_ = capacity.value; }                  // below what is used: full
  void set_slowness(unsigned times) { slowness_ = times; }                           // everything takes so many times longer

  // What is there now, whatever is durable; for looking at from tests.
  [[nodiscard]] bool exists(const std::string& path) const;
  [[nodiscard]] Buffer bytes_of(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> all_files() const;      // whole paths, sorted
  [[nodiscard]] bool unsynced(const std::string& path) const;
  [[nodiscard]] std::uint64_t fingerprint() const;               // of every name and byte
  [[nodiscard]] Bytes used() const { return Bytes{used_ * page_size}; }
  [[nodiscard]] Bytes capacity() const { return Bytes{capacity_}; }

  // For the parts of the simulation, from here down. Paths are cleaned of "." and double slashes; ".." is refused.
  struct Directory;
  struct Node {
    std::shared_ptr<FileNode> file;          // one of the two
    std::shared_ptr<Directory> directory;
  };
  struct Directory {
    std::map<std::string, Node> now;
    std::map<std::string, Node> durable;
  };
  Result<std::shared_ptr<FileNode>> open(const std::string& path, Create create);
  Result<> make_directories(const std::string& path);
  Result<> remove(const std::string& path);
  Result<> rename(const std::string& from, const std::string& to);
  Result<> sync_directory(const std::string& path);
  Result<std::vector<DirectoryEntry>> list(const std::string& path) const;
  [[nodiscard]] const Node* find(const std::string& path) const;

  // Counts an operation; false when the host is dead by now.
  bool operation();
  [[nodiscard]] bool died_inside() const { return die_inside_; }
  void on_death(std::function<void()> callback) { on_death_ = std::move(callback); }
  [[nodiscard]] bool fits(const FileNode& file, std::uint64_t at, std::uint64_t length) const;
  void recount(FileNode& file);   // after its size or pages, names or handles changed
  bool lock(const std::string& path, std::uint64_t& ticket);
  void unlock(const std::string& path, std::uint64_t ticket);
  void release_locks() { locks_.clear(); }
  void power_cut(Tear tear);
  void start_over();              // the next life begins: no handle is open any more
  [[nodiscard]] Range slowed(Range range) const { return {range.least * slowness_, range.most * slowness_}; }
  [[nodiscard]] const DiskOptions& options() const { return options_; }
  [[nodiscard]] Rng& rng() { return rng_; }

 private:
  static constexpr std::uint64_t page_size = 4096;
  struct Naming {   // name := node (or nothing)
    std::shared_ptr<Directory> in;
    std::string name;
    std::optional<Node> node;
  };
  using NameChange = std::vector<Naming>;   // one, or two for a rename: both or neither
  struct Spot {
    std::shared_ptr<Directory> parent;
    std::string name;
  };
  void set_death(std::uint64_t operation, bool inside) {
    die_at_ = operation;
    die_inside_ = inside;
  }
  Result<std::vector<std::string>> parts_of(const std::string& path) const;
  Result<Spot> spot_of(const std::string& path) const;
  [[nodiscard]] FileNode& must_find(const std::string& path) const;
  void change(NameChange names);
  static void apply(const NameChange& names);
  static bool touches(const NameChange& names, const std::vector<Directory*>& directories);
  void settle(Directory& directory, Tear tear);

  DiskOptions options_;
  Rng rng_;
  std::shared_ptr<Directory> root_;
  std::vector<NameChange> pending_;
  std::map<std::string, std::uint64_t> locks_;
  std::uint64_t next_ticket_ = 1;
  std::uint64_t operations_ = 0;
  std::uint64_t die_at_ = 0;
  bool die_inside_ = false;
  std::uint64_t used_ = 0;       // pages
  std::uint64_t capacity_;       // bytes
  unsigned slowness_ = 1;
  std::function<void()> on_death_;
};

}  // namespace lockstep::os::sim
