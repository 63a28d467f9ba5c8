// What is done about a block whose bytes do not match their checksum: they are handed to nobody; a replica is asked for a copy, which is
// taken only if it is what the checksum says, and written to a new place.
#include <array>
#include <cstring>

#include "pool/native/reader.h"

namespace lockstep::pool::native {

std::string Reader::where(VolumeId volume, const Bad& bad, std::string_view of) const {
  auto row = core_.catalog.volumes.find(volume);
  std::string name = row == core_.catalog.volumes.end() ? std::to_string(volume.value) : row->second.name;
  std::string out = "pool '" + core_.name + "', volume '" + name + "'" + std::string(of) + ", offset " + std::to_string(offset_of(bad.block).value);
  if (bad.place.value != 0) out += " (" + core_.directory + "/store/data at " + std::to_string(bad.place.value * block_size) + ")";
  return out;
}

// Into `into`, and the event told, whatever came of it.
rt::Task<Result<>> Reader::fetch_copy(VolumeId volume, Bad bad, MutSpan into) {
  std::memset(into.data(), 0, into.size());   // whatever was read is not handed out
  if (!core_.repair) co_return fail(Code::corrupt, bad.what);
  Result<Buffer> copy = co_await core_.repair->good_copy(volume, bad.block, bad.expected);
  if (!copy) co_return fail(Code::corrupt, bad.what + "; no replica could give a good copy: " + copy.error().message);
  if (copy->size() != block_size || checksum_of(*copy) != bad.expected)
    co_return fail(Code::corrupt, bad.what + "; the copy that a replica gave does not match either");
  std::memcpy(into.data(), copy->data(), block_size);
  co_return Result<>{};
}

rt::Task<Result<>> Reader::mend(const Source& source, Bad bad, MutSpan into) {
  Damage damage;
  damage.volume = source.volume;
  damage.block = bad.block;
  damage.where = where(source.volume, bad, source.upto == epoch_of_head ? "" : " (snapshot)");
  Bad asked = bad;
  Result<> mended = co_await fetch_copy(source.volume, std::move(asked), into);
  if (mended) write_back(source, bad, into);
  damage.repaired = mended.has_value();
  damage.what = mended ? bad.what : mended.error().message;
  const Damage& noted = core_.damages.add(std::move(damage));
  Error error{Code::corrupt, noted.where + ": " + noted.what};
  if (core_.repair) core_.repair->met(noted);
  if (!mended) co_return fail(std::move(error));
  co_return Result<>{};
}

rt::Task<Result<>> Reader::mend_record(VolumeId volume, Block block, Place place, Checksum expected, std::string what, MutSpan into) {
  Bad bad{block, place, expected, std::move(what), Lsn{}};
  Damage damage;
  damage.volume = volume;
  damage.block = block;
  damage.where = where(volume, bad, " (journal)");
  Result<> mended = co_await fetch_copy(volume, std::move(bad), into);
  damage.repaired = mended.has_value();
  damage.what = mended ? "bytes do not match their checksum" : mended.error().message;
  const Damage& noted = core_.damages.add(std::move(damage));
  Error error{Code::corrupt, noted.where + ": " + noted.what};
  if (core_.repair) core_.repair->met(noted);
  if (!mended) co_return fail(std::move(error));
  co_return Result<>{};
}

// A repaired block of a head is written anew, so that it need not be repaired twice: a record of this pool's own, no part of any group's
// stream, because nothing has changed. Anything in the way: the next read repairs it again.
void Reader::write_back(const Source& source, const Bad& bad, Span data) {
  VolumeState* volume = core_.find(source.volume);
  if (source.upto != epoch_of_head || !volume || !core_.writable() || core_.overlay->dropped() > bad.as_of) return;
  if (find(std::span(source.levels).first(1), bad.block).lsn > bad.as_of) return;   // overwritten meanwhile
  if (!core_.store->reserve(1)) return;
  std::array<std::byte, 8> sum;
  store_le(sum.data(), bad.expected.value);
  journal::Record record;
  record.kind = journal::Kind::write;
  record.block = bad.block;
  record.count = 1;
  record.checksums = sum;
  record.data = data;
  ignore(core_.append_blocks(*volume, record, true), "the bytes were read all the same");
}

}  // namespace lockstep::pool::native
