#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "replica/peers/pairing.h"
#include "replica/wire/batch.h"
#include "replica/wire/frame.h"

namespace lockstep::replica {
namespace {

using testing::HasSubstr;

using HeadBytes = std::array<std::byte, frame_head_size>;

HeadBytes encoded(FrameHead head) {
  HeadBytes bytes{};
  encode(head, bytes);
  return bytes;
}

FrameHead some_head() {
  FrameHead head;
  head.type = FrameType::batch;
  head.message = 0;
  head.heads = 136;
  head.data = 4096;
  head.body = Checksum{42};
  return head;
}

TEST(Wire, HeadComesBackAsItWas) {
  auto head = decode_head(encoded(some_head()));
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->type, FrameType::batch);
  EXPECT_EQ(head->heads, 136U);
  EXPECT_EQ(head->data, 4096U);
  EXPECT_EQ(head->body.value, 42U);
}
TEST(Wire, AnyFlippedBitOfAHeadIsNoticed) {
  for (std::size_t bit = 0; bit < frame_head_size * 8; ++bit) {
    HeadBytes bytes = encoded(some_head());
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(decode_head(bytes).has_value()) << bit;
  }
}
TEST(Wire, OversizeFramesAreRefusedBeforeMemoryIsTaken) {
  FrameHead head = some_head();
  head.data = data_most + 1;
  EXPECT_EQ(decode_head(encoded(head)).error().code, Code::corrupt);
}

TEST(Wire, NeighbouringVersionsSpeakTheOlderOne) {
  EXPECT_EQ(*negotiate({1, 2}, {2, 3}), 2U);
  EXPECT_EQ(*negotiate({2, 3}, {1, 2}), 2U);
  EXPECT_EQ(*negotiate({1, 1}, {1, 1}), 1U);
  EXPECT_EQ(*negotiate({2, 3}, {2, 3}), 3U);
  auto far = negotiate({1, 2}, {3, 4});
  ASSERT_FALSE(far.has_value());
  EXPECT_EQ(far.error().code, Code::unsupported);
  EXPECT_THAT(far.error().message, HasSubstr("update the older one"));
}

struct Made {
  Buffer data, sums;
  Batch batch;
};

void add_write(Made& made, std::uint16_t member, Block block, std::uint64_t count) {
  journal::Record r;
  r.kind = journal::Kind::write;
  r.volume = VolumeId{member};
  r.block = block;
  r.count = count;
  r.origin = {made.batch.to.generation, Lsn{made.batch.records.size() + 1}};
  r.time = WallTime{-5};
  Writer sums(made.sums);
  std::size_t at = made.data.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    made.data.resize(made.data.size() + block_size, static_cast<std::byte>(block.value + i));
    sums.checksum(checksum_of(Span(made.data).last(block_size)));
  }
  r.data = Span(made.data).subspan(at);
  made.batch.records.push_back(r);
}

// Spans are set last: the buffers have moved while they grew.
void settle(Made& made) {
  std::size_t data = 0, sums = 0;
  for (auto& r : made.batch.records) {
    if (r.kind != journal::Kind::write) continue;
    r.data = Span(made.data).subspan(data, r.count * block_size);
    r.checksums = Span(made.sums).subspan(sums, r.count * 8);
    data += r.count * block_size;
    sums += r.count * 8;
  }
}

TEST(Wire, BatchComesBackAsItWas) {
  Made made;
  made.batch.sequence = 7;
  made.batch.from = {Generation{{std::byte{1}}}, Lsn{3}};
  made.batch.to = {Generation{{std::byte{1}}}, Lsn{9}};
  add_write(made, 0, Block{5}, 2);
  journal::Record zero;
  zero.kind = journal::Kind::zero;
  zero.flags = journal::flag_discard;
  zero.volume = VolumeId{1};
  zero.block = Block{100};
  zero.count = 1 << 20;
  made.batch.records.push_back(zero);
  add_write(made, 1, Block{9}, 1);
  journal::Record position;
  position.kind = journal::Kind::position;
  position.origin = made.batch.to;
  made.batch.records.push_back(position);
  settle(made);
  Buffer heads;
  encode_heads(made.batch, heads);
  EXPECT_EQ(heads.size(), batch_head_size + 4 * record_head_size + 3 * 8);
  auto back = decode_batch(heads, made.data, 2);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  ASSERT_EQ(back->records.size(), 4U);
  EXPECT_EQ(back->sequence, 7U);
  EXPECT_EQ(back->from, made.batch.from);
  EXPECT_EQ(back->to, made.batch.to);
  EXPECT_EQ(back->records[1].flags, journal::flag_discard);
  EXPECT_EQ(back->records[1].count, 1U << 20);
  EXPECT_EQ(back->records[2].block, Block{9});
  EXPECT_EQ(back->records[2].time.us, -5);
  EXPECT_TRUE(verify(*back).has_value());
  made.data[4096] ^= std::byte{1};
  auto damaged = verify(*decode_batch(heads, made.data, 2));
  ASSERT_FALSE(damaged.has_value());
  EXPECT_THAT(damaged.error().message, HasSubstr("block 6 of volume 0"));
  EXPECT_FALSE(decode_batch(heads, made.data, 1).has_value());
}

TEST(Wire, DamagedBatchesAreRefusedWhole) {
  Made made;
  add_write(made, 0, Block{5}, 2);
  settle(made);
  Buffer heads;
  encode_heads(made.batch, heads);
  for (std::size_t n = 0; n < heads.size(); ++n)
    EXPECT_FALSE(decode_batch(Span(heads).first(n), made.data, 1).has_value());
  EXPECT_FALSE(decode_batch(heads, Span(made.data).first(4096), 1).has_value());
  rc::check([&] {
    Buffer bad = heads;
    bad[*rc::gen::inRange<std::size_t>(0, bad.size())] = static_cast<std::byte>(*rc::gen::inRange(0, 256));
    ignore(decode_batch(bad, made.data, 1), "it must only come back");
  });
}

TEST(Wire, LeafMasksComeBackAsTheyWere) {
  std::vector<LeafMask> masks = {{0, 7, {1, 2}}, {3, 1ULL << 40, {~0ULL, 0}}};
  EXPECT_EQ(*decode_masks(encode_masks(masks), 4), masks);
  EXPECT_FALSE(decode_masks(encode_masks(masks), 3).has_value());
}

Token some_token() {
  Token token;
  token.system.bytes[3] = std::byte{9};
  token.fingerprint.bytes.fill(std::byte{0xab});
  token.secret.fill(std::byte{0x5a});
  token.expires = WallTime{1'700'000'000'000'000};
  token.addresses = {*os::parse_address("host:7300"), *os::parse_address("unix:/run/x.sock")};
  return token;
}

TEST(Pairing, TokenComesBackAsItWas) {
  auto back = decode_token(encode(some_token()) + "\n");
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->system, some_token().system);
  EXPECT_EQ(back->fingerprint, some_token().fingerprint);
  EXPECT_EQ(back->secret, some_token().secret);
  EXPECT_EQ(back->expires, some_token().expires);
  EXPECT_EQ(back->addresses, some_token().addresses);
}
TEST(Pairing, MistypedTokenIsRefusedWithAdvice) {
  std::string text = encode(some_token());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string bad = text;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(decode_token(bad).has_value()) << i;
  }
  EXPECT_THAT(decode_token(text.substr(0, 20)).error().message, HasSubstr("copy it whole"));
}
TEST(Pairing, TokenIsGoodOnceUntilItExpiresAndOnlyBetweenTheseTwo) {
  os::Fingerprint inviter, joiner, stranger;
  inviter.bytes[0] = std::byte{1};
  joiner.bytes[0] = std::byte{2};
  stranger.bytes[0] = std::byte{3};
  Secret secret{};
  secret[0] = std::byte{7};
  Invitations out;
  out.add(secret, WallTime{100});
  Proof proof = prove(secret, Prover::joiner, inviter, joiner);
  EXPECT_FALSE(out.redeem(proof, inviter, stranger, WallTime{50}).has_value());
  EXPECT_FALSE(
      out.redeem(prove(secret, Prover::inviter, inviter, joiner), inviter, joiner, WallTime{50}).has_value());
  EXPECT_TRUE(out.redeem(proof, inviter, joiner, WallTime{50}).has_value());
  EXPECT_FALSE(out.redeem(proof, inviter, joiner, WallTime{50}).has_value());
  out.add(secret, WallTime{100});
  EXPECT_FALSE(out.redeem(proof, inviter, joiner, WallTime{100}).has_value());
}

}  // namespace
}  // namespace lockstep::replica
