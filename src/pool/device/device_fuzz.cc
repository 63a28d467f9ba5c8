// Bytes that call themselves a superblock: refused, or one that reads back the same once written and that a device can live by.
#include "pool/device/table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  Span bytes(reinterpret_cast<const std::byte*>(data), size);
  // The checksum keeps nearly all changes away from what is behind it: here it is always right.
  Buffer sealed(bytes.begin(), bytes.end());
  if (sealed.size() >= pool::device::head_size + 12) {
    store_le(sealed.data() + 12, static_cast<std::uint32_t>(sealed.size()));
    store_le(sealed.data() + sealed.size() - 8, checksum_of(Span(sealed).first(sealed.size() - 8)).value);
  }
  for (Span copy : {bytes, Span(sealed)}) {
    auto superblock = pool::device::decode(copy);
    if (!superblock) continue;
    auto again = pool::device::decode(pool::device::encode(*superblock));
    CHECK(again && *again == *superblock);
    pool::device::Table table(*superblock, "/dev/x");
    std::uint64_t version = 0;
    CHECK(table.to_save(version).entries.size() == superblock->entries.size());
  }
  return 0;
}
