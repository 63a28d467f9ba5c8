#include "pool/device/superblock.h"

#include <bit>
#include <set>

namespace lockstep::pool::device {

namespace {

constexpr std::uint64_t magic = 0x43564544'50545354;   // "TSTPDEVC"
constexpr std::uint32_t version = 1;
constexpr std::size_t checksum_size = 8;
constexpr std::uint8_t kind_directory = 1, kind_file = 2;

std::unexpected<Error> damaged(std::string what) { return fail(Code::corrupt, "the superblock is damaged: " + what); }

bool good_name(std::string_view name) {
  if (name.empty() || name.size() > name_most) return false;
  while (true) {
    std::size_t slash = name.find('/');
    std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != part.npos) return false;
    if (slash == name.npos) return true;
    name.remove_prefix(slash + 1);
  }
}

// Marks the file's chunks in `taken`.
Result<> read_file(Reader& r, Superblock::Entry& entry, const Superblock& s, std::vector<bool>& taken) {
  entry.size = r.number<Bytes>();
  const std::uint32_t runs = r.u32();
  if (runs > r.left() / 8) return damaged("'" + entry.name + "' has more runs than there are bytes");
  std::uint64_t room = 0;
  entry.runs.reserve(runs);
  for (std::uint32_t i = 0; i < runs; ++i) {
    ChunkRun run;
    run.first = r.u32();
    run.count = r.u32();
    if (run.count == 0 || run.count > s.chunks || run.first > s.chunks - run.count) return damaged("'" + entry.name + "' lies beyond the end");
    for (std::uint32_t c = run.first; c < run.first + run.count; ++c) {
      if (taken[c]) return damaged("chunk " + std::to_string(c) + " is there twice");
      taken[c] = true;
    }
    room += run.count * s.chunk.value;
    entry.runs.push_back(run);
  }
  if (entry.size.value > room) return damaged("'" + entry.name + "' is longer than its chunks");
  return {};
}

Result<> read_entries(Reader& r, Superblock& s) {
  const std::uint32_t count = r.u32();
  if (count > entries_most) return damaged(std::to_string(count) + " files are more than there can be");
  std::vector<bool> taken(s.chunks);
  std::set<std::string, std::less<>> directories;
  for (std::uint32_t i = 0; i < count; ++i) {
    Superblock::Entry entry;
    const std::uint8_t kind = r.u8();
    entry.name = r.text(name_most);
    if (!r.ok()) return damaged("it ends too early");
    if (kind != kind_directory && kind != kind_file) return damaged("an entry is neither a file nor a directory");
    entry.is_directory = kind == kind_directory;
    if (!good_name(entry.name)) return damaged("a name is no name");
    if (!s.entries.empty() && s.entries.back().name >= entry.name) return damaged("'" + entry.name + "' is out of order");
    if (std::size_t slash = entry.name.rfind('/'); slash != std::string::npos && !directories.contains(entry.name.substr(0, slash)))
      return damaged("'" + entry.name + "' lies in no directory");
    if (entry.is_directory) directories.insert(entry.name);
    else TRY_VOID(read_file(r, entry, s, taken));
    s.entries.push_back(std::move(entry));
  }
  return {};
}

}  // namespace

Bytes chunk_for(Bytes size) {
  Bytes chunk = 1_MiB;
  while (size.value / chunk.value > chunks_most / 4) chunk = Bytes{chunk.value * 2};
  return chunk;
}

std::uint64_t chunks_in(Bytes size, Bytes chunk) {
  if (size < data_start) return 0;
  return std::min((size - data_start).value / chunk.value, chunks_most);
}

Buffer encode(const Superblock& s) {
  CHECK(s.entries.size() <= entries_most);
  Buffer bytes;
  Writer w(bytes);
  w.u64(magic);
  w.u32(version);
  w.u32(0);   // the length, below
  w.id(s.id);
  w.u64(s.sequence);
  w.number(s.chunk);
  w.u64(s.chunks);
  w.zeroes(head_size - bytes.size());
  w.u32(static_cast<std::uint32_t>(s.entries.size()));
  for (const Superblock::Entry& entry : s.entries) {
    w.u8(entry.is_directory ? kind_directory : kind_file);
    w.text(entry.name);
    if (entry.is_directory) continue;
    w.number(entry.size);
    w.u32(static_cast<std::uint32_t>(entry.runs.size()));
    for (const ChunkRun& run : entry.runs) {
      w.u32(run.first);
      w.u32(run.count);
    }
  }
  store_le(bytes.data() + 12, static_cast<std::uint32_t>(bytes.size() + checksum_size));
  w.checksum(checksum_of(bytes));
  CHECK(bytes.size() <= slot_size.value);
  return bytes;
}

Result<Bytes> length_of(Span head) {
  Reader r(head);
  if (r.u64() != magic) return fail(Code::not_found, "there is no superblock");
  const std::uint32_t found = r.u32();
  if (found != version)
    return fail(Code::unsupported, "the superblock has format " + std::to_string(found) + "; this release knows " + std::to_string(version));
  const Bytes length{r.u32()};
  if (!r.ok() || length.value < head_size + 4 + checksum_size || length > slot_size) return damaged("its length cannot be");
  return length;
}

Result<Superblock> decode(Span copy) {
  TRY(Bytes length, length_of(copy));
  if (length.value > copy.size()) return damaged("it ends too early");
  const Span before = copy.first(length.value - checksum_size);
  if (load_le<std::uint64_t>(copy.data() + before.size()) != checksum_of(before).value) return damaged("it does not match its checksum");
  Reader r(before);
  r.raw(16);
  Superblock s;
  s.id = r.id<PoolId>();
  s.sequence = r.u64();
  s.chunk = r.number<Bytes>();
  s.chunks = r.u64();
  r.raw(head_size - 56);
  if (!std::has_single_bit(s.chunk.value) || s.chunk.value < block_size || s.chunk > 1_GiB) return damaged("its chunks have " + std::to_string(s.chunk.value) + " bytes");
  if (s.chunks > chunks_most) return damaged("it has more chunks than there can be");
  TRY_VOID(read_entries(r, s));
  if (!r.ok() || r.left() != 0) return damaged("its length does not fit what it holds");
  return s;
}

}  // namespace lockstep::pool::device
