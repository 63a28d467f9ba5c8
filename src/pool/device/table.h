// Table: the files of a device, by name, in memory. What is durable of it is the last superblock that was written.
// Any thread: one mutex, held for moments; reading and writing within a file's size asks only whether anything changed.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "os/os.h"
#include "pool/device/chunks.h"

namespace lockstep::pool::device {

// A file, open or not.
struct Node {
  std::atomic<std::uint64_t> changed{0};   // the table's version after the last change of what lies below
  // Guarded by the table.
  Bytes size;
  std::vector<ChunkRun> runs;
  bool tail_is_zero = false;               // from `size` to the end of its last chunk
  bool linked = true;                      // has a name
  unsigned handles = 0;
};
using NodePtr = std::shared_ptr<Node>;

struct Shape {   // of a file at one moment
  std::uint64_t version = 0;
  Bytes size;
  std::vector<ChunkRun> runs;
};

// What must read as zeroes before a file may grow.
struct Growth {
  std::vector<ChunkRun> runs;                        // its new chunks
  std::vector<std::pair<Bytes, Bytes>> to_zero;      // on the device: offset, length
};

class Table {
 public:
  explicit Table(Superblock superblock, std::string device_name);

  // Names, all relative to the device. Errors name `path_of(name)`.
  [[nodiscard]] std::string path_of(std::string_view name) const;
  Result<NodePtr> open(const std::string& name, os::Create create);   // one handle more
  void close(const NodePtr& node);                                    // one less
  Result<> make_directories(const std::string& name);
  Result<> remove(const std::string& name);
  Result<> rename(const std::string& from, const std::string& to);    // files only
  [[nodiscard]] Result<std::vector<os::DirectoryEntry>> list(const std::string& name) const;
  [[nodiscard]] os::PathKind kind_of(const std::string& name) const;

  // Files.
  [[nodiscard]] Shape shape_of(const Node& node) const;
  // Is there room for [0, end) that reads as zeroes behind the file's size?
  [[nodiscard]] bool has_room(const Node& node, Bytes end) const;
  // Takes what is missing; the caller zeroes it, then says grown() or not_grown(). One at a time (Device sees to it).
  // busy: once a superblock is durable there may be enough.
  Result<Growth> begin_growth(const Node& node, Bytes end);
  void grown(Node& node, const Growth& growth);
  void not_grown(const Growth& growth);
  void extend(Node& node, Bytes size);       // to at least `size`; there is room
  void truncate(Node& node, Bytes size);     // to less than it was

  // Durability.
  [[nodiscard]] bool unsaved(const Node& node) const { return node.changed.load(std::memory_order_relaxed) > saved_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool unsaved() const { return version_.load(std::memory_order_relaxed) > saved_.load(std::memory_order_relaxed); }
  [[nodiscard]] Superblock to_save(std::uint64_t& version);   // with the next sequence number
  void saved(std::uint64_t version);

  [[nodiscard]] Bytes free_space() const;
  [[nodiscard]] Bytes chunk() const { return chunk_; }

 private:
  struct Name {
    NodePtr file;   // none: a directory
  };
  void change(Node& node);
  void unlink(const NodePtr& node);
  [[nodiscard]] bool is_directory(std::string_view name) const;
  [[nodiscard]] Result<> check_new_name(const std::string& name) const;
  [[nodiscard]] Result<> check_room_for_names(std::size_t more) const;
  [[nodiscard]] Bytes room_of(const Node& node) const;

  const std::string device_;
  const PoolId id_;
  const Bytes chunk_;
  const std::uint64_t chunk_count_;
  mutable std::mutex mutex_;
  std::uint64_t sequence_;
  std::map<std::string, Name, std::less<>> names_;
  Chunks chunks_;
  std::atomic<std::uint64_t> version_{0}, saved_{0};   // written under the mutex
};

}  // namespace lockstep::pool::device
