// The worked example of docs/formats/journal.md, read as it stands there: a change of the format shows here
// first.
#include "journal/format.h"

#include <gtest/gtest.h>

#include "journal/batch.h"
#include "journal/reader.h"
#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::journal {
namespace {

constexpr std::string_view header_hex =
    "4c5354504a53454701000000a0000000"
    "07010000000000000000000000000000"
    "00000004000000000200000000000000"
    "01000000000000000200000000000000"
    "02000000000000008877665544332211"
    "01000000000000002a00000000000000"
    "1807f6e5d4c3b2a1a050000000000000"
    "00402046484706002900000000000000"
    "1e000000000000000000000000000000"
    "00000000000000007228e4cfa67d230e";
constexpr std::string_view batch_hex =
    "4c53545042544348a800000001000000"
    "88776655443322110200000000000000"
    "2a000000000000002900000000000000"
    "1807f6e5d4c3b2a16b6d48aef6cca124"
    "c12226ebea0ba0d80000000000000000"
    "06000000050000000000000000000000"
    "00000000000000000000000000000000"
    "ab000000000000000000000000000000"
    "2a000000000000000140204648470600"
    "00000000000000000000000000000000"
    "68656c6c6f000000";

Buffer bytes_of(std::string_view hex, std::size_t size) {
  Buffer bytes(size);
  CHECK(parse_hex(hex, MutSpan(bytes).first(hex.size() / 2)));
  return bytes;
}

TEST(Format, TheDocumentedHeaderReads) {
  FoundHeader found = decode_segment_header(bytes_of(header_hex, page_size));
  ASSERT_EQ(found.state, HeaderState::valid);
  EXPECT_EQ(found.header.size, 64_MiB);
  EXPECT_EQ(found.header.sequence, 2u);
  EXPECT_EQ(found.header.follows, 1u);
  EXPECT_EQ(found.header.first, Lsn{42});
  EXPECT_EQ(found.header.checkpoint, Lsn{30});
  EXPECT_FALSE(found.header.clean);
  EXPECT_EQ(encode(found.header), bytes_of(header_hex, page_size));
}

TEST(Format, TheDocumentedBatchReads) {
  Buffer bytes = bytes_of(batch_hex, batch_hex.size() / 2);
  auto header = decode_batch_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->length, bytes.size());
  auto records = decode_records(*header, bytes, Verify::all, nullptr);
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(as_text(records->front().data), "hello");
  EXPECT_EQ(records->front().lsn, Lsn{42});
}

TEST(Format, EveryBitOfABatchIsProved) {
  Buffer whole = bytes_of(batch_hex, batch_hex.size() / 2);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Buffer bytes = whole;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    auto header = decode_batch_header(bytes);
    EXPECT_FALSE(header && header->length == bytes.size() &&
                 decode_records(*header, bytes, Verify::all, nullptr))
        << bit;
  }
}

TEST(Format, ABatchFromBeforeIsNotTakenForTheNext) {
  os::sim::World world{os::sim::test_seed()};
  os::sim::Host& host = world.add_host("a");
  os::OpenOptions options;
  options.create = os::Create::if_missing;
  auto segment = std::make_shared<Segment>();
  segment->file = os::sim::must(world.run(host.loop(), host.files().open(host.loop(), "/segment", options)));
  segment->size = 64_KiB;
  os::sim::must(world.run(host.loop(), segment->file->allocate(0_B, segment->size)));
  segment->header.use = 0x1122334455667788;
  segment->header.incarnation = 2;
  Buffer batch = bytes_of(batch_hex, batch_hex.size() / 2);
  Span part(batch);
  os::sim::must(segment->file->write_now(8192_B, {&part, 1}));
  auto slabs = std::make_shared<SlabPool>(4096, 0);
  auto found = [&](Lsn first, Checksum before) {
    SegmentReader reader(slabs, segment, 8000_B,
                         4096);  // the batch before ended there: this one is on the next page
    return os::sim::must(world.run(host.loop(), reader.next(first, before))).has_value();
  };
  Checksum before{0xa1b2c3d4e5f60718};
  EXPECT_TRUE(found(Lsn{42}, before));
  EXPECT_FALSE(found(Lsn{43}, before));
  EXPECT_FALSE(found(Lsn{42}, Checksum{1}));
  segment->header.use = 1;
  EXPECT_FALSE(found(Lsn{42}, before));
}

TEST(Format, EveryBitOfAHeaderIsProved) {
  for (std::size_t bit = 0; bit < header_hex.size() * 4; ++bit) {
    Buffer bytes = bytes_of(header_hex, page_size);
    bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_NE(decode_segment_header(bytes).state, HeaderState::valid) << bit;
  }
}

TEST(Format, OneBrokenCopyOfAHeaderDoesNotMatter) {
  Buffer both = bytes_of(header_hex, page_size);
  FoundHeader first = decode_segment_header(both);
  SegmentHeader later = first.header;
  later.edition = 3;
  Buffer second = encode(later);
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(choose_segment_header(both).header.edition, 3u);
  both[page_size + 100] ^= std::byte{1};
  EXPECT_EQ(choose_segment_header(both).header.edition, 2u);
  both[100] ^= std::byte{1};
  EXPECT_EQ(choose_segment_header(both).state, HeaderState::broken);
}

}  // namespace
}  // namespace lockstep::journal
