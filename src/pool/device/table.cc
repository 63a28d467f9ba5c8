#include "pool/device/table.h"

#include <algorithm>

namespace lockstep::pool::device {

namespace {

std::uint64_t chunks_needed(Bytes size, Bytes chunk) { return (size.value + chunk.value - 1) / chunk.value; }

// Cuts `runs` to the first `keep` chunks; what is cut off is returned.
std::vector<ChunkRun> keep_chunks(std::vector<ChunkRun>& runs, std::uint64_t keep) {
  std::vector<ChunkRun> gone;
  for (ChunkRun& run : runs) {
    const auto kept = static_cast<std::uint32_t>(std::min<std::uint64_t>(keep, run.count));
    if (kept < run.count) gone.push_back({run.first + kept, run.count - kept});
    run.count = kept;
    keep -= kept;
  }
  std::erase_if(runs, [](const ChunkRun& run) { return run.count == 0; });
  return gone;
}

}  // namespace

Table::Table(Superblock s, std::string device_name)
    : device_(std::move(device_name)), id_(s.id), chunk_(s.chunk), chunk_count_(s.chunks), sequence_(s.sequence), chunks_(s.chunks) {
  for (Superblock::Entry& entry : s.entries) {
    Name name;
    if (!entry.is_directory) {
      name.file = std::make_shared<Node>();
      name.file->size = entry.size;
      name.file->runs = std::move(entry.runs);
      keep_chunks(name.file->runs, chunks_needed(entry.size, chunk_));   // one that was about to grow has more
      for (const ChunkRun& run : name.file->runs) chunks_.mark_taken(run);
    }
    names_.emplace(std::move(entry.name), std::move(name));
  }
}

std::string Table::path_of(std::string_view name) const {
  std::string path = device_;
  if (!name.empty()) path.append("/").append(name);
  return path;
}

void Table::change(Node& node) { node.changed.store(++version_, std::memory_order_release); }

// --- names

bool Table::is_directory(std::string_view name) const {
  if (name.empty()) return true;
  auto at = names_.find(name);
  return at != names_.end() && !at->second.file;
}

Result<> Table::check_new_name(const std::string& name) const {
  if (name.empty() || name.size() > name_most) return fail(Code::invalid, path_of(name) + ": a name on a device has 1 to " + std::to_string(name_most) + " bytes");
  const std::size_t slash = name.rfind('/');
  if (slash != std::string::npos && !is_directory(name.substr(0, slash))) return fail(Code::not_found, path_of(name) + ": there is no such directory");
  return {};
}

Result<> Table::check_room_for_names(std::size_t more) const {
  if (names_.size() + more > entries_most) return fail(Code::no_space, device_ + ": a device has at most " + std::to_string(entries_most) + " files");
  return {};
}

Result<NodePtr> Table::open(const std::string& name, os::Create create) {
  std::lock_guard lock(mutex_);
  auto at = names_.find(name);
  if (name.empty() || (at != names_.end() && !at->second.file)) return fail(Code::invalid, path_of(name) + ": open: a directory");
  if (at == names_.end()) {
    if (create == os::Create::never) return fail(Code::not_found, path_of(name) + ": open: there is no such file");
    TRY_VOID(check_new_name(name));
    TRY_VOID(check_room_for_names(1));
    at = names_.emplace(name, Name{std::make_shared<Node>()}).first;
    change(*at->second.file);
  } else if (create == os::Create::must_be_new) {
    return fail(Code::exists, path_of(name) + ": open: it is there already");
  }
  ++at->second.file->handles;
  return at->second.file;
}

void Table::close(const NodePtr& node) {
  std::lock_guard lock(mutex_);
  if (--node->handles == 0 && !node->linked) chunks_.give_back(std::exchange(node->runs, {}), ++version_);
}

// Its chunks are free when nobody has it open any more and that it has no name is durable.
void Table::unlink(const NodePtr& node) {
  node->linked = false;
  change(*node);
  if (node->handles == 0) chunks_.give_back(std::exchange(node->runs, {}), version_);
}

Result<> Table::make_directories(const std::string& name) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> missing;
  for (std::size_t end = 0; end < name.size();) {
    end = std::min(name.find('/', end + 1), name.size());
    std::string above = name.substr(0, end);
    auto at = names_.find(above);
    if (at != names_.end() && at->second.file) return fail(Code::invalid, path_of(above) + ": not a directory");
    if (at == names_.end()) missing.push_back(std::move(above));
  }
  if (missing.empty()) return {};
  if (name.size() > name_most) return fail(Code::invalid, path_of(name) + ": the name is too long");
  TRY_VOID(check_room_for_names(missing.size()));
  for (std::string& above : missing) names_.emplace(std::move(above), Name{});
  ++version_;
  return {};
}

Result<> Table::remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto at = names_.find(name);
  if (at == names_.end()) return fail(Code::not_found, path_of(name) + ": remove: there is no such file");
  if (!at->second.file) {
    auto below = names_.lower_bound(name + "/");
    if (below != names_.end() && below->first.starts_with(name + "/")) return fail(Code::busy, path_of(name) + ": remove: the directory is not empty");
    ++version_;
  } else {
    unlink(at->second.file);
  }
  names_.erase(at);
  return {};
}

Result<> Table::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  auto source = names_.find(from);
  if (source == names_.end()) return fail(Code::not_found, path_of(from) + ": rename: there is no such file");
  if (!source->second.file) return fail(Code::unsupported, path_of(from) + ": rename: directories keep their names here");
  TRY_VOID(check_new_name(to));
  if (from == to) return {};
  auto target = names_.find(to);
  if (target != names_.end() && !target->second.file) return fail(Code::invalid, path_of(to) + ": rename: a directory");
  if (target != names_.end()) unlink(target->second.file);
  NodePtr node = std::move(source->second.file);
  names_.erase(source);
  change(*node);
  names_.insert_or_assign(to, Name{std::move(node)});
  return {};
}

Result<std::vector<os::DirectoryEntry>> Table::list(const std::string& name) const {
  std::lock_guard lock(mutex_);
  if (!is_directory(name)) return fail(Code::not_found, path_of(name) + ": list: there is no such directory");
  const std::string prefix = name.empty() ? "" : name + "/";
  std::vector<os::DirectoryEntry> entries;
  for (auto at = names_.lower_bound(prefix); at != names_.end() && at->first.starts_with(prefix); ++at) {
    std::string rest = at->first.substr(prefix.size());
    if (rest.find('/') == std::string::npos) entries.push_back({std::move(rest), !at->second.file});
  }
  return entries;
}

os::PathKind Table::kind_of(const std::string& name) const {
  std::lock_guard lock(mutex_);
  if (is_directory(name)) return os::PathKind::directory;
  return names_.contains(name) ? os::PathKind::file : os::PathKind::nothing;
}

// --- files

Bytes Table::room_of(const Node& node) const {
  std::uint64_t chunks = 0;
  for (const ChunkRun& run : node.runs) chunks += run.count;
  return Bytes{chunks * chunk_.value};
}

Shape Table::shape_of(const Node& node) const {
  std::lock_guard lock(mutex_);
  return {node.changed.load(std::memory_order_relaxed), node.size, node.runs};
}

bool Table::has_room(const Node& node, Bytes end) const {
  std::lock_guard lock(mutex_);
  const Bytes room = room_of(node);
  return end <= node.size || (end <= room && (node.tail_is_zero || node.size == room));
}

Result<Growth> Table::begin_growth(const Node& node, Bytes end) {
  std::lock_guard lock(mutex_);
  Growth growth;
  const Bytes room = room_of(node);
  if (end <= node.size) return growth;
  if (!node.tail_is_zero && node.size < room) {
    // The file ends inside its last chunk: what is longer by more was given back.
    const ChunkRun& last = node.runs.back();
    const Bytes tail = room - node.size;
    growth.to_zero.emplace_back(offset_of_chunk(last.first + last.count, chunk_) - tail, tail);
  }
  if (end > room) {
    const std::uint64_t wanted = chunks_needed(end - room, chunk_);
    std::optional<std::uint32_t> behind;
    if (!node.runs.empty()) behind = node.runs.back().first + node.runs.back().count;
    auto runs = chunks_.take(wanted, behind);
    if (!runs) {
      const bool soon = wanted <= chunks_.free() + chunks_.free_soon();
      return fail(soon ? Code::busy : Code::no_space, device_ + ": " + std::to_string(wanted * chunk_.value >> 20) + " MiB are wanted and " +
                                                          std::to_string(chunks_.free() * chunk_.value >> 20) + " MiB are free");
    }
    growth.runs = std::move(*runs);
    for (const ChunkRun& run : growth.runs) growth.to_zero.emplace_back(offset_of_chunk(run.first, chunk_), Bytes{run.count * chunk_.value});
  }
  return growth;
}

void Table::grown(Node& node, const Growth& growth) {
  std::lock_guard lock(mutex_);
  for (const ChunkRun& run : growth.runs) {
    if (!node.runs.empty() && node.runs.back().first + node.runs.back().count == run.first) node.runs.back().count += run.count;
    else node.runs.push_back(run);
  }
  node.tail_is_zero = true;
  change(node);
}

void Table::not_grown(const Growth& growth) {
  std::lock_guard lock(mutex_);
  chunks_.untake(growth.runs);
}

void Table::extend(Node& node, Bytes size) {
  std::lock_guard lock(mutex_);
  if (size <= node.size) return;
  CHECK(size <= room_of(node));
  node.size = size;
  change(node);
}

void Table::truncate(Node& node, Bytes size) {
  std::lock_guard lock(mutex_);
  if (size >= node.size) return;
  node.size = size;
  node.tail_is_zero = false;
  const std::vector<ChunkRun> gone = keep_chunks(node.runs, chunks_needed(size, chunk_));
  change(node);
  chunks_.give_back(gone, version_);
}

// --- durability

Superblock Table::to_save(std::uint64_t& version) {
  std::lock_guard lock(mutex_);
  version = version_;
  Superblock s;
  s.id = id_;
  s.sequence = ++sequence_;
  s.chunk = chunk_;
  s.chunks = chunk_count_;
  for (const auto& [name, what] : names_) {
    Superblock::Entry entry;
    entry.name = name;
    entry.is_directory = !what.file;
    if (what.file) {
      entry.size = what.file->size;
      entry.runs = what.file->runs;
    }
    s.entries.push_back(std::move(entry));
  }
  return s;
}

void Table::saved(std::uint64_t version) {
  std::lock_guard lock(mutex_);
  saved_ = std::max(saved_.load(), version);
  chunks_.saved(version);
}

Bytes Table::free_space() const {
  std::lock_guard lock(mutex_);
  return Bytes{(chunks_.free() + chunks_.free_soon()) * chunk_.value};
}

}  // namespace lockstep::pool::device
