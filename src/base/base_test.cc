#include "base/base.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(Encode, ReadsBackWhatWasWritten) {
  Buffer buffer;
  Writer w(buffer);
  w.u8(7);
  w.u16(0x1234);
  w.u32(0xdeadbeef);
  w.u64(~0ull);
  w.text("wal");
  Reader r(buffer);
  EXPECT_EQ(r.u8(), 7);
  EXPECT_EQ(r.u16(), 0x1234);
  EXPECT_EQ(r.u32(), 0xdeadbeef);
  EXPECT_EQ(r.u64(), ~0ull);
  EXPECT_EQ(r.text(), "wal");
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(r.left(), 0u);
}

TEST(Encode, ReadingPastTheEndIsRememberedAndYieldsZero) {
  Buffer buffer(3);
  Reader r(buffer);
  EXPECT_EQ(r.u32(), 0u);
  EXPECT_FALSE(r.ok());
}

TEST(Encode, ATextLongerThanItsBufferIsRefused) {
  Buffer buffer;
  Writer(buffer).u32(1000);
  Reader r(buffer);
  EXPECT_EQ(r.text(), "");
  EXPECT_FALSE(r.ok());
}

TEST(Ids, HexRoundTrips) {
  PoolId id;
  id.bytes[0] = std::byte{0xab};
  id.bytes[15] = std::byte{0x01};
  EXPECT_EQ(parse_id<PoolId>(text_of(id)).value(), id);
  EXPECT_EQ(parse_id<PoolId>("xyz").error().code, Code::invalid);
}

TEST(Checksum, PartsAndWholeAgree) {
  Buffer bytes(10000, std::byte{3});
  Checksummer c;
  c.add(Span(bytes).first(1234));
  c.add(Span(bytes).subspan(1234));
  EXPECT_EQ(c.value(), checksum_of(bytes));
  EXPECT_EQ(crc32c_of(as_span("123456789")), 0xE3069283u);   // RFC 3720, appendix B.4 polynomial, check value
  EXPECT_EQ(crc32c_of(as_span("56789"), crc32c_of(as_span("1234"))), 0xE3069283u);
}

TEST(Bytes, ZeroMeansEveryByte) {
  Buffer bytes(4096);
  EXPECT_TRUE(is_zero(bytes));
  bytes.back() = std::byte{1};
  EXPECT_FALSE(is_zero(bytes));
  EXPECT_TRUE(is_zero({}));
}

Result<int> half(int n) {
  if (n % 2) return fail(Code::invalid, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  TRY(int h, half(n));
  return half(h);
}
TEST(Result, TryHandsTheErrorUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().in("quarter").message, "quarter: odd");
}

TEST(Time, WhatIsWrittenIsReadBack) {
  WallTime time{1'769'860'800'123'456};
  EXPECT_EQ(text_of(time), "2026-01-31T12:00:00.123456Z");
  EXPECT_EQ(parse_time(text_of(time)), time);
  EXPECT_EQ(parse_time("2026-01-31T14:00:00.123456789+02:00"), time);
  EXPECT_EQ(parse_time("2026-01-31 11:30:00Z"), (WallTime{1'769'859'000'000'000}));
  EXPECT_EQ(parse_time("1970-01-01T00:00:00.5Z"), (WallTime{500'000}));
}

TEST(Time, WhatIsNoTimeIsRefused) {
  for (const char* wrong : {"", "noon", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
                            "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+2", "2026-01-31T12:00:00Z ", "-026-01-31T12:00:00Z"})
    EXPECT_FALSE(parse_time(wrong)) << wrong;
}

}  // namespace
}  // namespace lockstep
