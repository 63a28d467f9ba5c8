// The names on a disk: directories, and what of their changes is durable.
#include <algorithm>

#include "os/sim/disk.h"
#include "os/sim/file_node.h"

namespace lockstep::os::sim {

Result<std::vector<std::string>> Disk::parts_of(const std::string& path) const {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < path.size()) {
    std::size_t slash = std::min(path.find('/', at), path.size());
    std::string part = path.substr(at, slash - at);
    at = slash + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return fail(Code::invalid, path + ": '..' is not offered here");
    if (part.size() > 255) return fail(Code::invalid, path + ": a name has at most 255 bytes");
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<Disk::Spot> Disk::spot_of(const std::string& path) const {
  TRY(std::vector<std::string> parts, parts_of(path));
  if (parts.empty()) return fail(Code::invalid, path + ": names no file");
  std::shared_ptr<Directory> directory = root_;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    auto it = directory->now.find(parts[i]);
    if (it == directory->now.end()) return fail(Code::not_found, path + ": no such directory: " + parts[i]);
    if (!it->second.directory) return fail(Code::invalid, path + ": not a directory: " + parts[i]);
    directory = it->second.directory;
  }
  return Spot{directory, parts.back()};
}

const Disk::Node* Disk::find(const std::string& path) const {
  auto spot = spot_of(path);
  if (!spot) return nullptr;
  auto it = spot->parent->now.find(spot->name);
  return it == spot->parent->now.end() ? nullptr : &it->second;
}

void Disk::change(NameChange names) {
  for (const Naming& naming : names) {
    if (naming.node) naming.in->now[naming.name] = *naming.node;
    else naming.in->now.erase(naming.name);
  }
  pending_.push_back(std::move(names));
}

void Disk::apply(const NameChange& names) {
  for (const Naming& naming : names) {
    if (naming.node) naming.in->durable[naming.name] = *naming.node;
    else naming.in->durable.erase(naming.name);
  }
}

bool Disk::touches(const NameChange& names, const std::vector<Directory*>& directories) {
  return std::any_of(names.begin(), names.end(), [&](const Naming& naming) {
    return std::find(directories.begin(), directories.end(), naming.in.get()) != directories.end();
  });
}

Result<std::shared_ptr<FileNode>> Disk::open(const std::string& path, Create create) {
  TRY(Spot spot, spot_of(path));
  auto it = spot.parent->now.find(spot.name);
  if (it != spot.parent->now.end()) {
    if (it->second.directory) return fail(Code::invalid, path + ": is a directory");
    if (create == Create::must_be_new) return fail(Code::exists, path + ": file exists");
    return it->second.file;
  }
  if (create == Create::never) return fail(Code::not_found, path + ": no such file");
  if (!operation()) return fail(Code::io, path + ": the host is dead");
  auto file = std::make_shared<FileNode>();
  file->links = 1;
  change({{spot.parent, spot.name, Node{file, nullptr}}});
  return file;
}

Result<> Disk::make_directories(const std::string& path) {
  TRY(std::vector<std::string> parts, parts_of(path));
  std::shared_ptr<Directory> directory = root_;
  for (const std::string& part : parts) {
    auto it = directory->now.find(part);
    if (it == directory->now.end()) {
      if (!operation()) return fail(Code::io, path + ": the host is dead");
      auto made = std::make_shared<Directory>();
      change({{directory, part, Node{nullptr, made}}});
      directory = made;
    } else if (it->second.directory) {
      directory = it->second.directory;
    } else {
      std::string what = path + ": not a directory: ";
      what += part;
      return fail(Code::invalid, std::move(what));
    }
  }
  return {};
}

Result<> Disk::remove(const std::string& path) {
  TRY(Spot spot, spot_of(path));
  auto it = spot.parent->now.find(spot.name);
  if (it == spot.parent->now.end()) return fail(Code::not_found, path + ": no such file or directory");
  if (it->second.directory && !it->second.directory->now.empty()) return fail(Code::busy, path + ": directory not empty");
  if (!operation()) return fail(Code::io, path + ": the host is dead");
  std::shared_ptr<FileNode> file = it->second.file;
  change({{spot.parent, spot.name, std::nullopt}});
  if (file) {
    file->links = 0;
    recount(*file);
  }
  return {};
}

Result<> Disk::rename(const std::string& from, const std::string& to) {
  TRY(Spot source, spot_of(from));
  TRY(Spot target, spot_of(to));
  auto it = source.parent->now.find(source.name);
  if (it == source.parent->now.end()) return fail(Code::not_found, from + ": no such file or directory");
  Node node = it->second;
  if (source.parent == target.parent && source.name == target.name) return {};
  std::shared_ptr<FileNode> replaced;
  if (auto old = target.parent->now.find(target.name); old != target.parent->now.end()) {
    if (bool(node.directory) != bool(old->second.directory)) return fail(Code::invalid, to + ": a file and a directory");
    if (old->second.directory && !old->second.directory->now.empty()) return fail(Code::busy, to + ": directory not empty");
    replaced = old->second.file;
  }
  if (!operation()) return fail(Code::io, from + ": the host is dead");
  change({{source.parent, source.name, std::nullopt}, {target.parent, target.name, node}});
  if (replaced) {
    replaced->links = 0;
    recount(*replaced);
  }
  return {};
}

Result<> Disk::sync_directory(const std::string& path) {
  TRY(std::vector<std::string> parts, parts_of(path));
  std::shared_ptr<Directory> directory = root_;
  for (const std::string& part : parts) {
    auto it = directory->now.find(part);
    if (it == directory->now.end()) return fail(Code::not_found, path + ": no such directory");
    if (!it->second.directory) return fail(Code::invalid, path + ": not a directory");
    directory = it->second.directory;
  }
  if (!operation()) return fail(Code::io, path + ": the host is dead");
  // A rename between two directories takes along what came before it in the other one.
  std::vector<Directory*> synced{directory.get()};
  std::vector<bool> taken(pending_.size());
  for (std::size_t i = pending_.size(); i-- > 0;) {
    if (!touches(pending_[i], synced)) continue;
    taken[i] = true;
    for (const Naming& naming : pending_[i]) synced.push_back(naming.in.get());
  }
  std::vector<NameChange> left;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (taken[i]) apply(pending_[i]);
    else left.push_back(std::move(pending_[i]));
  }
  pending_ = std::move(left);
  return {};
}

Result<std::vector<DirectoryEntry>> Disk::list(const std::string& path) const {
  TRY(std::vector<std::string> parts, parts_of(path));
  std::shared_ptr<Directory> directory = root_;
  for (const std::string& part : parts) {
    auto it = directory->now.find(part);
    if (it == directory->now.end()) return fail(Code::not_found, path + ": no such directory");
    if (!it->second.directory) return fail(Code::invalid, path + ": not a directory");
    directory = it->second.directory;
  }
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, node] : directory->now) entries.push_back({name, node.directory != nullptr});
  return entries;
}

}  // namespace lockstep::os::sim
