// Bytes that call themselves a catalogue change: refused, or read and written back to the same bytes.
#include "store/catalog.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  Span bytes(reinterpret_cast<const std::byte*>(data), size);
  auto changes = store::decode(bytes);
  if (!changes) return 0;
  CHECK(store::encode(*changes) == to_buffer(bytes));
  store::Catalog catalog;
  for (const auto& change : *changes) catalog.apply(change);
  return 0;
}
