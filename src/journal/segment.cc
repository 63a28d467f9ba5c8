#include "journal/segment.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace lockstep::journal {
namespace {

constexpr std::uint64_t index_step = 256 << 10;  // bytes between remembered batches
constexpr std::string_view prefix = "segment-";
constexpr std::string_view unfinished_suffix = ".new";
constexpr std::size_t zero_bytes = 256 << 10;

std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size() || number == 0) return std::nullopt;
  return number;
}

std::optional<IndexEntry> last_before(const std::vector<IndexEntry>& entries, Lsn lsn) {
  auto after = std::upper_bound(entries.begin(), entries.end(), lsn,
                                [](Lsn l, const IndexEntry& e) { return l < e.first; });
  if (after == entries.begin()) return std::nullopt;
  return *std::prev(after);
}

}  // namespace

Span zeroes(std::size_t bytes) {
  alignas(4096) static const std::array<std::byte, zero_bytes> zero{};
  return Span(zero).first(bytes);
}

void Segment::note(Lsn first, Bytes at, WallTime time) {
  if (!index.empty() && at.value < index.back().at.value + index_step) return;
  index.push_back({first, at, time});
}

IndexEntry Segment::floor(Lsn lsn) const {
  return last_before(index, lsn).value_or(IndexEntry{header.first, Bytes{segment_data_start}, header.time});
}

IndexEntry Segment::floor_to_read(Lsn lsn) const {
  IndexEntry known = floor(lsn);
  IndexEntry lately = last_before(read_last, lsn).value_or(known);
  return lately.at > known.at ? lately : known;
}

IndexEntry Segment::floor(WallTime time) const {
  auto after = std::upper_bound(index.begin(), index.end(), time,
                                [](WallTime t, const IndexEntry& e) { return t < e.time; });
  if (after == index.begin()) return {header.first, Bytes{segment_data_start}, header.time};
  return *std::prev(after);
}

Result<> Segment::write_header(SegmentHeader next) {
  next.edition = header.edition + 1;
  Buffer page = encode(next);
  Span part(page);
  if (auto written = file->write_now(Bytes{next.edition % 2 * page_size}, {&part, 1}); !written)
    return written;
  header = next;
  return {};
}

Result<> Segment::begin(SegmentHeader next) {
  next.edition = align_up(header.edition + 1, 2);
  Buffer even = encode(next);
  ++next.edition;
  Buffer odd = encode(next);
  std::array<Span, 2> parts{Span(even), Span(odd)};
  if (auto written = file->write_now(Bytes{0}, parts); !written) return written;
  header = next;
  end = Bytes{segment_data_start};
  index.clear();
  read_last.clear();
  return {};
}

std::string Directory::file_name(std::uint64_t number) const {
  std::string digits = std::to_string(number);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return path_ + "/" + std::string(prefix) + digits;
}

rt::Task<Result<std::vector<SegmentPtr>>> Directory::list() {
  os::Files& files = host_.files();
  auto job = [&files, path = path_]() -> Result<std::vector<os::DirectoryEntry>> {
    TRY_VOID(files.make_directories(path));
    return files.list(path);
  };
  CO_TRY(std::vector<os::DirectoryEntry> entries, co_await rt::work(loop_, std::move(job)));
  std::vector<SegmentPtr> segments;
  for (const os::DirectoryEntry& entry : entries) {
    if (entry.is_directory) continue;
    std::string_view name = entry.name;
    if (name.starts_with(prefix) && name.ends_with(unfinished_suffix))
      unfinished_.push_back(path_ + "/" + entry.name);
    std::optional<std::uint64_t> number = number_of(name);
    if (!number) continue;
    auto segment = std::make_shared<Segment>();
    segment->number = *number;
    next_number_ = std::max(next_number_, *number + 1);
    os::OpenOptions options;
    options.syncs = syncs_;
    CO_TRY(segment->file, co_await host_.files().open(loop_, path_ + "/" + entry.name, options));
    segment->size = segment->file->size();
    Buffer start(std::min(segment_data_start, segment->size.value));
    CO_TRY_VOID(co_await segment->file->read(Bytes{0}, start));
    FoundHeader found = choose_segment_header(start);
    if (found.state == HeaderState::valid) {
      if (found.header.size > segment->size) found.state = HeaderState::broken;  // the file lost its end
      segment->header = found.header;
    }
    segments.push_back(std::move(segment));
    found_.push_back(found);
  }
  co_return segments;
}

// A directory's name is durable when the one above it was synced. Those further up may be nobody's to read,
// and then are not ours.
rt::Task<Result<>> Directory::sync_name() {
  os::Files& files = host_.files();
  auto job = [&files, path = path_]() -> Result<> {
    Result<> parent;
    bool first = true;
    for (std::string above = path; above != "/" && above != "." && !above.empty(); first = false) {
      std::size_t slash = above.rfind('/');
      above = slash == std::string::npos ? "." : slash == 0 ? "/" : above.substr(0, slash);
      auto synced = files.sync_directory(above);
      if (first) parent = std::move(synced);
    }
    return parent;
  };
  co_return co_await rt::work(loop_, std::move(job));
}

rt::Task<Result<>> Directory::sync_entries() {
  os::Files& files = host_.files();
  auto job = [&files, path = path_] { return files.sync_directory(path); };
  co_return co_await rt::work(loop_, std::move(job));
}

rt::Task<Result<>> Directory::remove_unfinished() {
  for (const std::string& file : unfinished_) CO_TRY_VOID(co_await remove(file));
  unfinished_.clear();
  co_return Result<>{};
}

rt::Task<Result<>> Directory::remove(std::string file) {
  os::Files& files = host_.files();
  auto job = [&files, file] { return files.remove(file); };
  co_return co_await rt::work(loop_, std::move(job));
}

// Not under its name before it is whole: what has the name is zeroes or was in use.
rt::Task<Result<>> Directory::fill(std::string path, Bytes size, const SegmentHeader* header,
                                   rt::Stop& stop) {
  os::OpenOptions options;
  options.create = os::Create::if_missing;
  CO_TRY(std::unique_ptr<os::File> file, co_await host_.files().open(loop_, path, options));
  CO_TRY_VOID(co_await file->allocate(Bytes{0}, size));
  for (Bytes at{0}; at < size;) {
    if (stop.requested()) co_return fail(Code::cancelled, path + ": not finished");
    std::vector<Span> parts;
    for (int i = 0; i < 4 && at < size; ++i) {
      parts.push_back(zeroes(std::min<std::size_t>(zero_bytes, (size - at).value)));
      at += Bytes{parts.back().size()};
    }
    Bytes length{0};
    for (Span part : parts) length += Bytes{part.size()};
    CO_TRY_VOID(co_await file->write(at - length, std::move(parts)));
  }
  if (header != nullptr) {
    Buffer page = encode(*header);
    Span part(page);
    CO_TRY_VOID(file->write_now(Bytes{header->edition % 2 * page_size}, {&part, 1}));
  }
  co_return co_await file->sync();
}

rt::Task<Result<SegmentPtr>> Directory::make(Bytes size, const SegmentHeader* header, rt::Stop& stop) {
  std::uint64_t number = next_number_++;
  std::string name = file_name(number);
  std::string unfinished = name + std::string(unfinished_suffix);
  auto filled = co_await fill(unfinished, size, header, stop);
  if (!filled) {
    ignore(co_await remove(unfinished), "the next open removes what is left");
    co_return fail(filled.error().in("making a journal segment"));
  }
  os::Files& files = host_.files();
  auto job = [&files, unfinished, name, path = path_]() -> Result<> {
    if (auto renamed = files.rename(unfinished, name); !renamed) return renamed;
    return files.sync_directory(path);
  };
  CO_TRY_VOID(co_await rt::work(loop_, std::move(job)));
  os::OpenOptions options;
  options.syncs = syncs_;
  auto segment = std::make_shared<Segment>();
  segment->number = number;
  CO_TRY(segment->file, co_await host_.files().open(loop_, name, options));
  segment->size = size;
  if (header != nullptr) segment->header = *header;
  co_return segment;
}

}  // namespace lockstep::journal
