// Whatever comes in, decoding ends, touches nothing outside of it, and what was accepted encodes to what
// came.
#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <cstdint>

#include "replica/peers/pairing.h"
#include "replica/wire/batch.h"
#include "replica/wire/frame.h"
#include "replica/wire/wire.pb.h"

namespace lockstep::replica {
namespace {

void frame(Span bytes) {
  if (bytes.size() < frame_head_size) return;
  auto head = decode_head(bytes.first<frame_head_size>());
  if (!head) return;
  std::array<std::byte, frame_head_size> again;
  encode(*head, again);
  CHECK(std::equal(again.begin(), again.end(), bytes.begin()));
}

void batch(Span bytes) {
  if (bytes.size() < 2) return;
  std::size_t split = std::min<std::size_t>(load_le<std::uint16_t>(bytes.data()), bytes.size() - 2);
  bytes = bytes.subspan(2);
  auto got = decode_batch(bytes.first(split), bytes.subspan(split), 4);
  if (!got) return;
  ignore(verify(*got), "either is fine");
  Buffer again;
  encode_heads(*got, again);
  auto twice = decode_batch(again, bytes.subspan(split), 4);
  CHECK(twice && twice->records.size() == got->records.size());
}

template <class Message>
void message(Span bytes) {
  Message m;
  if (!m.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  std::string again = m.SerializeAsString();
  Message twice;
  CHECK(twice.ParseFromString(again));
}

}  // namespace
}  // namespace lockstep::replica

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  using namespace lockstep::replica;
  if (size == 0) return 0;
  Span bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'f': frame(bytes); break;
    case 'b': batch(bytes); break;
    case 'm':
      if (auto masks = decode_masks(bytes, 4)) CHECK(encode_masks(*masks) == to_buffer(bytes));
      break;
    case 't':
      if (auto token = decode_token(as_text(bytes))) CHECK(decode_token(encode(*token)).has_value());
      break;
    case 'r': message<wire::Request>(bytes); break;
    case 's': message<wire::SourceHello>(bytes); break;
    case 'h': message<wire::TargetHello>(bytes); break;
    case 'w': message<wire::FetchWanted>(bytes); break;
    case 'd': message<wire::Fetched>(bytes); break;
    default: break;
  }
  return 0;
}
