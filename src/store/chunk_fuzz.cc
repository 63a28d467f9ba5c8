// Bytes that call themselves a row of the delta log or of the space log: refused, or rows that read back the same once written.
#include "store/chunk.h"
#include "store/space_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  Span bytes(reinterpret_cast<const std::byte*>(data), size);
  if (auto chunk = store::decode_chunk(bytes)) {
    auto again = store::decode_chunk(store::encode_chunk(*chunk));
    CHECK(again && *again == *chunk);
  }
  if (auto row = store::decode_space(bytes)) {
    auto again = store::decode_space(store::encode_space(*row));
    CHECK(again && *again == *row);
  }
  return 0;
}
