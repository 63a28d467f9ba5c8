// Bytes that call themselves a leaf: refused, or a leaf that reads back the same once written.
#include "store/leaf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  auto leaf = store::decode_leaf(Span(reinterpret_cast<const std::byte*>(data), size));
  if (!leaf) return 0;
  auto again = store::decode_leaf(store::encode_leaf(*leaf));
  CHECK(again && *again == *leaf);
  return 0;
}
