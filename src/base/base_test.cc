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

}  // namespace
}  // namespace lockstep
