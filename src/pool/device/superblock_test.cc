#include "pool/device/superblock.h"

#include <gmock/gmock.h>

#include "pool/device/chunks.h"
#include "pool/device/signature.h"

namespace lockstep::pool::device {
namespace {

using ::testing::HasSubstr;

Superblock example() {
  Superblock s;
  for (std::size_t i = 0; i < 16; ++i) s.id.bytes[i] = static_cast<std::byte>(i);
  s.sequence = 7;
  s.chunk = 1_MiB;
  s.chunks = 100;
  s.entries = {{"journal", true, Bytes{0}, {}}, {"journal/segment-00000001", false, Bytes{(3 << 20) + 1}, {{2, 3}, {9, 1}}}, {"pool", false, Bytes{45}, {{0, 1}}}};
  return s;
}

// What `change` makes of the example, with a checksum that is right.
std::string refusal(void (*change)(Buffer&)) {
  Buffer bytes = encode(example());
  change(bytes);
  store_le(bytes.data() + bytes.size() - 8, checksum_of(Span(bytes).first(bytes.size() - 8)).value);
  auto decoded = decode(bytes);
  return decoded ? "" : decoded.error().message;
}

TEST(Superblock, ReadsBackAsItWasWritten) {
  auto decoded = decode(encode(example()));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, example());
}

TEST(Superblock, HasTheBytesOfItsFormatPage) {
  Buffer bytes = encode(example());
  EXPECT_EQ(as_text(Span(bytes).first(8)), "TSTPDEVC");
  EXPECT_EQ(load_le<std::uint32_t>(bytes.data() + 8), 1u);
  EXPECT_EQ(load_le<std::uint32_t>(bytes.data() + 12), bytes.size());
  EXPECT_EQ(load_le<std::uint64_t>(bytes.data() + 32), 7u);
  EXPECT_EQ(load_le<std::uint64_t>(bytes.data() + 40), 1u << 20);
  EXPECT_EQ(load_le<std::uint64_t>(bytes.data() + 48), 100u);
  EXPECT_EQ(load_le<std::uint32_t>(bytes.data() + 64), 3u);
}

TEST(Superblock, EveryChangedByteIsNoticed) {
  const Buffer good = encode(example());
  for (std::size_t i = 0; i < good.size(); ++i) {
    Buffer bytes = good;
    bytes[i] ^= std::byte{0x40};
    EXPECT_FALSE(decode(bytes)) << "byte " << i;
    EXPECT_FALSE(decode(Span(good).first(i))) << "the first " << i << " bytes";
  }
}

TEST(Superblock, AnotherReleaseIsNamed) {
  Buffer bytes = encode(example());
  bytes[8] = std::byte{2};
  auto decoded = decode(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Code::unsupported);
  EXPECT_THAT(decoded.error().message, HasSubstr("format 2"));
}

TEST(Superblock, WhatCannotBeIsRefusedDespiteAGoodChecksum) {
  constexpr std::size_t journal = 68, segment = journal + 1 + 4 + 7, runs = segment + 1 + 4 + 24 + 8 + 4;
  EXPECT_THAT(refusal([](Buffer& b) { b[41] = std::byte{1}; }), HasSubstr("chunks have"));
  EXPECT_THAT(refusal([](Buffer& b) { b[journal] = std::byte{9}; }), HasSubstr("neither a file nor a directory"));
  EXPECT_THAT(refusal([](Buffer& b) { b[journal + 5] = std::byte{'k'}; }), HasSubstr("out of order"));
  EXPECT_THAT(refusal([](Buffer& b) { b[segment + 5 + 8] = std::byte{'/'}; }), HasSubstr("no name"));
  EXPECT_THAT(refusal([](Buffer& b) { b[runs] = std::byte{99}; }), HasSubstr("beyond the end"));
  EXPECT_THAT(refusal([](Buffer& b) { b[runs] = std::byte{7}; }), HasSubstr("twice"));
  EXPECT_THAT(refusal([](Buffer& b) { b[runs + 4] = std::byte{0}; }), HasSubstr("beyond the end"));
  EXPECT_THAT(refusal([](Buffer& b) { b[runs - 12 + 2] = std::byte{0x90}; }), HasSubstr("longer than its chunks"));
  EXPECT_THAT(refusal([](Buffer& b) { b[64] = std::byte{2}; }), HasSubstr("does not fit"));
  EXPECT_THAT(refusal([](Buffer& b) { b[64] = std::byte{4}; }), HasSubstr("ends too early"));
  EXPECT_THAT(refusal([](Buffer& b) { b[66] = std::byte{4}; }), HasSubstr("more than there can be"));
}

TEST(Superblock, ChunksSuitTheDevice) {
  EXPECT_EQ(chunk_for(1_GiB), 1_MiB);
  EXPECT_EQ(chunk_for(64_GiB), 1_MiB);
  EXPECT_EQ(chunk_for(Bytes{std::uint64_t{1} << 40}), 16_MiB);
  EXPECT_EQ(chunks_in(data_start, 1_MiB), 0u);
  EXPECT_EQ(chunks_in(data_start + 5_MiB + 1_B, 1_MiB), 5u);
  EXPECT_EQ(chunks_in(Bytes{0}, 1_MiB), 0u);
  EXPECT_EQ(chunks_in(Bytes{~std::uint64_t{0}}, 1_MiB), chunks_most);
}

TEST(Superblock, TheLargestFitsIntoItsSlot) {
  Superblock s = example();
  s.chunks = chunks_most;
  s.entries.clear();
  for (std::uint32_t i = 0; i < entries_most; ++i) {
    std::string name(name_most, 'a');
    for (std::size_t k = 0; k < 6; ++k) name[k] = static_cast<char>('0' + i / (1u << (2 * (5 - k))) % 4);
    s.entries.push_back({name, false, Bytes{0}, {}});
    for (std::uint32_t c = i; c < chunks_most; c += entries_most) s.entries.back().runs.push_back({c, 1});
  }
  Buffer bytes = encode(s);
  EXPECT_LE(bytes.size(), slot_size.value);
  EXPECT_TRUE(decode(bytes));
}

TEST(Chunks, WhatIsGivenBackWaitsForItsSuperblock) {
  Chunks chunks(10);
  auto a = chunks.take(4, std::nullopt);
  EXPECT_EQ(*a, (std::vector<ChunkRun>{{0, 4}}));
  auto b = chunks.take(4, std::nullopt);
  EXPECT_EQ(*b, (std::vector<ChunkRun>{{4, 4}}));
  chunks.give_back(*a, 3);
  EXPECT_FALSE(chunks.take(3, std::nullopt));
  EXPECT_EQ(chunks.free_soon(), 4u);
  chunks.saved(2);
  EXPECT_FALSE(chunks.take(3, std::nullopt));
  chunks.saved(3);
  EXPECT_EQ(*chunks.take(5, 8), (std::vector<ChunkRun>{{8, 2}, {0, 3}}));
  EXPECT_EQ(chunks.free(), 1u);
}

TEST(Signature, WhatLiesThereIsNamed) {
  Buffer first(1 << 20), last(1 << 20);
  EXPECT_EQ(what_is_there(first, last), "");
  last[100] = std::byte{1};
  EXPECT_THAT(what_is_there(first, last), HasSubstr("last MiB"));
  auto put = [&](std::size_t at, std::string_view bytes) {
    std::ranges::fill(first, std::byte{0});
    std::ranges::copy(as_span(bytes), first.begin() + static_cast<long>(at));
    return what_is_there(first, last);
  };
  EXPECT_THAT(put(0, "XFSB"), HasSubstr("XFS"));
  EXPECT_THAT(put(1080, "\x53\xef"), HasSubstr("ext4"));
  EXPECT_THAT(put(512, "EFI PART"), HasSubstr("GPT"));
  EXPECT_THAT(put(510, "\x55\xaa"), HasSubstr("partition table"));
  EXPECT_THAT(put(0, "LUKS\xba\xbe"), HasSubstr("LUKS"));
  EXPECT_THAT(put(512, "LABELONE"), HasSubstr("LVM"));
  EXPECT_THAT(put(4096, "\xfc\x4e\x2b\xa9"), HasSubstr("RAID"));
  EXPECT_THAT(put(4086, "SWAPSPACE2"), HasSubstr("swap"));
  EXPECT_THAT(put(77777, "x"), HasSubstr("first MiB"));
  EXPECT_EQ(what_is_there({}, {}), "");
}

}  // namespace
}  // namespace lockstep::pool::device
