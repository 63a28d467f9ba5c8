// Bytes as they might be found in a segment: headers, batches, records. Whatever they are, decoding ends with
// a value or an error, and what it hands out lies inside the bytes it was given.
#include <algorithm>
#include <cstdint>
#include <memory>

#include "journal/batch.h"

namespace lockstep::journal {
namespace {

void look_at(const BatchHeader& header, Span bytes, Verify verify) {
  auto records = decode_records(header, bytes, verify, nullptr);
  if (!records) return;
  CHECK(records->size() == header.records);
  std::size_t total = batch_header_size;
  for (const Record& record : *records) {
    for (Span part : {record.checksums, record.places, record.data}) {
      if (part.empty()) continue;
      CHECK(part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size());
    }
    if (record.kind == Kind::write) CHECK(record.data.size() == record.count * block_size);
    total += encoded_size(record);
  }
  CHECK(total == bytes.size());
}

// What was decoded goes back into a batch and comes out the same.
void round_trip(const BatchHeader& header, Span bytes) {
  auto records = decode_records(header, bytes, Verify::nothing, nullptr);
  if (!records || bytes.size() > (1u << 20)) return;
  auto pool = std::make_shared<SlabPool>(64 << 10, 1 << 20);
  Batch batch(pool->take(bytes.size()), 0, header.first);
  for (const Record& record : *records) {
    if (!check_shape(record, 1_MiB)) return;
    batch.add(record);
  }
  BatchHeader again = header;
  batch.seal(again);
  auto copies = decode_records(again, batch.bytes(), Verify::nothing, nullptr);
  CHECK(copies && copies->size() == records->size());
  for (std::size_t i = 0; i < copies->size(); ++i) {
    const Record &a = (*records)[i], &b = (*copies)[i];
    CHECK(a.kind == b.kind && a.lsn == b.lsn && a.count == b.count && a.origin == b.origin);
    CHECK(std::ranges::equal(a.data, b.data) && std::ranges::equal(a.checksums, b.checksums) &&
          std::ranges::equal(a.places, b.places));
  }
}

}  // namespace
}  // namespace lockstep::journal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  using namespace lockstep::journal;
  if (size == 0) return 0;
  Span bytes(reinterpret_cast<const std::byte*>(data), size);
  std::uint8_t mode = data[0] % 3;
  bytes = bytes.subspan(1);
  if (mode == 0) {  // the start of a segment
    Buffer start(segment_data_start);
    std::copy_n(bytes.begin(), std::min(bytes.size(), start.size()), start.begin());
    FoundHeader found = choose_segment_header(start);
    if (found.state == HeaderState::valid) {
      FoundHeader again = decode_segment_header(encode(found.header));
      CHECK(again.state == HeaderState::valid && again.header == found.header);
    }
    ignore(choose_segment_header(bytes), "any length");
    return 0;
  }
  // A copy of exact size, so that a sanitizer sees a step beyond it.
  Buffer exact = to_buffer(bytes);
  if (mode == 1) {  // a batch as it is
    std::optional<BatchHeader> header = decode_batch_header(exact);
    if (header && header->length <= exact.size())
      look_at(*header, Span(exact).first(header->length), Verify::all);
    return 0;
  }
  // A batch whose header and head checksums are made to fit, so that what follows them is reached.
  if (exact.size() < batch_header_size) return 0;
  BatchHeader header;
  header.length = static_cast<std::uint32_t>(exact.size());
  header.records = 1 + load_le<std::uint32_t>(exact.data() + 12) % 64;
  header.first = Lsn{1};
  look_at(header, exact, Verify::nothing);
  round_trip(header, exact);
  return 0;
}
