#include "journal/batch.h"

#include <cstring>
#include <limits>

namespace lockstep::journal {
namespace {

[[nodiscard]] bool has_checksums(Kind kind) { return kind == Kind::write || kind == Kind::direct; }
// Its data are opaque to the journal and covered by the head's checksum. Blocks have checksums of their own.
[[nodiscard]] bool has_payload(Kind kind) {
  return kind == Kind::catalog || kind == Kind::position || kind == Kind::mark;
}
[[nodiscard]] bool is_known(Kind kind) { return kind >= Kind::write && kind <= Kind::mark; }

void encode_head(const Record& r, Checksum before, std::byte* at) noexcept {
  store_le(at, before.value);
  at[8] = static_cast<std::byte>(r.kind);
  at[9] = static_cast<std::byte>(r.flags);
  store_le(at + 10, std::uint16_t{0});
  store_le(at + 12, static_cast<std::uint32_t>(r.data.size()));
  store_le(at + 16, r.volume.value);
  store_le(at + 24, r.block.value);
  store_le(at + 32, r.count);
  std::memcpy(at + 40, r.origin.generation.bytes.data(), 16);
  store_le(at + 56, r.origin.lsn.value);
  store_le(at + 64, static_cast<std::uint64_t>(r.time.us));
  std::memcpy(at + 72, r.group.bytes.data(), 16);
}

std::byte* copy(std::byte* at, Span from) noexcept {
  if (!from.empty()) std::memcpy(at, from.data(), from.size());
  return at + from.size();
}

// Takes records from the front of what is left of a batch.
class RecordReader {
 public:
  RecordReader(Span left, Verify verify) : left_(left), verify_(verify) {}

  Result<Record> next() {
    if (left_.size() < record_head_size) return fail(Code::corrupt, "a record's head is cut short");
    const std::byte* at = left_.data();
    Record r;
    if (verify_ == Verify::all && load_le<std::uint64_t>(at) != heads_.value)
      return fail(Code::corrupt, "a record's head does not match its checksum");
    r.kind = static_cast<Kind>(at[8]);
    r.flags = static_cast<std::uint8_t>(at[9]);
    if (!is_known(r.kind) || load_le<std::uint16_t>(at + 10) != 0)
      return fail(Code::corrupt, "a record of unknown kind");
    std::uint64_t data = load_le<std::uint32_t>(at + 12);
    r.volume.value = load_le<std::uint64_t>(at + 16);
    r.block.value = load_le<std::uint64_t>(at + 24);
    r.count = load_le<std::uint64_t>(at + 32);
    std::memcpy(r.origin.generation.bytes.data(), at + 40, 16);
    r.origin.lsn.value = load_le<std::uint64_t>(at + 56);
    r.time.us = static_cast<std::int64_t>(load_le<std::uint64_t>(at + 64));
    std::memcpy(r.group.bytes.data(), at + 72, 16);

    Span rest = left_.subspan(record_head_size);
    if (has_checksums(r.kind)) {
      if (r.count == 0 || r.count > rest.size() / 16)
        return fail(Code::corrupt, "a record's blocks are cut short");
      r.checksums = take(rest, r.count * 8);
    }
    if (r.kind == Kind::direct) r.places = take(rest, r.count * 8);
    if (has_payload(r.kind)) {
      std::uint64_t padded = align_up(data, 8);
      if (padded > rest.size()) return fail(Code::corrupt, "a record's payload is cut short");
      r.data = take(rest, padded).first(data);
    } else if (data != (r.kind == Kind::write ? r.count * block_size : 0)) {
      return fail(Code::corrupt, "a record's data are not as long as its blocks");
    }
    if (verify_ == Verify::all) heads_ = checksum_of(left_.first(left_.size() - rest.size()));
    if (r.kind == Kind::write) {
      if (data > rest.size()) return fail(Code::corrupt, "a record's data are cut short");
      r.data = take(rest, data);
      if (verify_ == Verify::all) {
        for (std::uint64_t i = 0; i < r.count; ++i) {
          if (checksum_of(r.data.subspan(i * block_size, block_size)) != r.checksum(i))
            return fail(Code::corrupt, "a block does not match its checksum");
        }
      }
    }
    left_ = rest;
    return r;
  }

  [[nodiscard]] Span left() const { return left_; }
  [[nodiscard]] Checksum heads() const { return heads_; }

 private:
  static Span take(Span& from, std::uint64_t n) {
    Span out = from.first(n);
    from = from.subspan(n);
    return out;
  }
  Span left_;
  Verify verify_;
  Checksum heads_;
};

}  // namespace

std::size_t encoded_size(const Record& r) noexcept {
  return record_head_size + r.checksums.size() + r.places.size() + align_up(r.data.size(), 8);
}

Result<> check_shape(const Record& r, Bytes batch_max) {
  if (!is_known(r.kind))
    return fail(Code::invalid, "journal record of unknown kind " + std::to_string(static_cast<int>(r.kind)));
  std::uint64_t blocks = has_checksums(r.kind) ? r.count : 0;
  if (has_checksums(r.kind) &&
      (r.count == 0 || r.count > std::numeric_limits<std::uint32_t>::max() / block_size)) {
    return fail(Code::invalid, "journal record of " + std::to_string(r.count) + " blocks");
  }
  if (r.checksums.size() != 8 * blocks || r.places.size() != (r.kind == Kind::direct ? 8 * blocks : 0)) {
    return fail(Code::invalid, "journal record with " + std::to_string(r.checksums.size() / 8) +
                                   " checksums and " + std::to_string(r.places.size() / 8) + " places for " +
                                   std::to_string(blocks) + " blocks");
  }
  if (!has_payload(r.kind) && r.data.size() != (r.kind == Kind::write ? r.count * block_size : 0)) {
    return fail(Code::invalid, "journal record with " + std::to_string(r.data.size()) + " bytes for " +
                                   std::to_string(blocks) + " blocks");
  }
  if (r.data.size() > batch_max.value || batch_header_size + encoded_size(r) > largest_batch(batch_max)) {
    return fail(Code::invalid, "journal record of " + std::to_string(encoded_size(r)) + " bytes; at most " +
                                   std::to_string(batch_max.value) + " bytes of data fit in one: split it");
  }
  return {};
}

Record Batch::add(const Record& record) noexcept {
  CHECK(fits(encoded_size(record)));
  Record out = record;
  std::byte* head = bytes_ + length_;
  encode_head(record, heads_, head);
  std::byte* at = head + record_head_size;
  out.checksums = {at, record.checksums.size()};
  at = copy(at, record.checksums);
  out.places = {at, record.places.size()};
  at = copy(at, record.places);
  out.data = {at, record.data.size()};
  if (has_payload(record.kind)) {
    at = copy(at, record.data);
    std::size_t padding = align_up(record.data.size(), 8) - record.data.size();
    std::memset(at, 0, padding);
    at += padding;
  }
  heads_ = checksum_of(Span(head, static_cast<std::size_t>(at - head)));
  if (record.kind == Kind::write) at = copy(at, record.data);
  length_ = static_cast<std::size_t>(at - bytes_);
  if (records_ == 0) first_time_ = record.time;
  if (record.dated_here()) last_time_ = record.time;
  ++records_;
  return out;
}

void Batch::seal(BatchHeader& header) noexcept {
  CHECK(records_ > 0);
  header.length = static_cast<std::uint32_t>(length_);
  header.records = records_;
  header.first = first_;
  header.heads = heads_;
  encode(header, bytes_);
}

Result<std::vector<Record>> decode_records(const BatchHeader& header, Span bytes, Verify verify,
                                           const std::shared_ptr<const void>& hold) {
  if (bytes.size() != header.length || bytes.size() < batch_header_size)
    return fail(Code::corrupt, "a batch is cut short");
  if (header.records > bytes.size() / record_head_size)
    return fail(Code::corrupt, "a batch names more records than it has room for");
  std::vector<Record> records;
  records.reserve(header.records);
  RecordReader reader(bytes.subspan(batch_header_size), verify);
  for (std::uint32_t i = 0; i < header.records; ++i) {
    TRY(Record record, reader.next());
    record.lsn = Lsn{header.first.value + i};
    record.hold = hold;
    records.push_back(std::move(record));
  }
  if (!reader.left().empty()) return fail(Code::corrupt, "a batch is longer than its records");
  if (verify == Verify::all && reader.heads() != header.heads)
    return fail(Code::corrupt, "the last record's head does not match its checksum");
  return records;
}

}  // namespace lockstep::journal
