// Segment: one file of the journal, in one of its uses. Numbered by file, ordered by sequence.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/format.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::journal {

struct IndexEntry {
  Lsn first;  // of a batch
  Bytes at;
  WallTime time;  // of its first record
};

// Shared: a reader that waits for the file holds its segment while a trim takes it out of the journal.
struct Segment {
  std::uint64_t number = 0;  // in the file's name
  std::unique_ptr<os::File> file;
  Bytes size;
  SegmentHeader header;           // last written or read; sequence 0: never used
  Bytes end{segment_data_start};  // of its data, as far as known
  std::vector<IndexEntry> index;  // sparse, ascending; need not reach the end
  std::vector<IndexEntry> read_last;  // the batches that the last read from the file found, ascending

  // Remembers where a batch is, if it lies far enough behind the last one remembered.
  void note(Lsn first, Bytes at, WallTime time);
  // The last remembered batch that begins at or before `lsn`; the start of the data when there is none.
  [[nodiscard]] IndexEntry floor(Lsn lsn) const;
  [[nodiscard]] IndexEntry floor(WallTime time) const;
  // The same for a reader: one who reads on begins where he was, and not up to a step of the index before it.
  [[nodiscard]] IndexEntry floor_to_read(Lsn lsn) const;
  [[nodiscard]] std::string name() const { return file->path(); }

  // Writes `next` (edition + 1 of the present one) over the older copy. Torn, the present one still counts.
  Result<> write_header(SegmentHeader next);
  // Begins a use: both copies. The file held nothing that counts.
  Result<> begin(SegmentHeader next);
};

using SegmentPtr = std::shared_ptr<Segment>;

// The files of one journal directory.
class Directory {
 public:
  // A segment may be synced `syncs` times at once.
  Directory(os::Host& host, rt::Loop& loop, std::string path, unsigned syncs)
      : host_(host), loop_(loop), path_(std::move(path)), syncs_(syncs) {}

  // Opens every segment there and reads its header; made if missing. Unfinished segments are removed when
  // told so.
  rt::Task<Result<std::vector<SegmentPtr>>> list();
  rt::Task<Result<>> remove_unfinished();
  rt::Task<Result<>> sync_name();  // after it, the directory itself survives a power cut
  rt::Task<Result<>>
  sync_entries();  // after it, what list() found does: a segment may have got its name just before a crash

  // A segment of zeroes, durable under its name before this returns. With `header`, that is in it. `stop`
  // ends it early.
  rt::Task<Result<SegmentPtr>> make(Bytes size, const SegmentHeader* header, rt::Stop& stop);
  rt::Task<Result<>> remove(std::string file);

  [[nodiscard]] const std::string& path() const { return path_; }
  // What list() found in each file, in its order.
  [[nodiscard]] const std::vector<FoundHeader>& found() const { return found_; }

 private:
  [[nodiscard]] std::string file_name(std::uint64_t number) const;
  rt::Task<Result<>> fill(std::string file, Bytes size, const SegmentHeader* header, rt::Stop& stop);

  os::Host& host_;
  rt::Loop& loop_;
  std::string path_;
  const unsigned syncs_;
  std::uint64_t next_number_ = 1;
  std::vector<std::string> unfinished_;
  std::vector<FoundHeader> found_;
};

// 4 KiB of zeroes and more, for padding and filling.
[[nodiscard]] Span zeroes(std::size_t bytes);  // at most 256 KiB

}  // namespace lockstep::journal
