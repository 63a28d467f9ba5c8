#include "journal/testing.h"

#include <cstring>

namespace lockstep::journal {
namespace {

void fill(Buffer& into, std::uint64_t seed) {
  os::sim::Rng rng(seed);
  for (std::size_t i = 0; i + 8 <= into.size(); i += 8) store_le(into.data() + i, rng.next());
}

}  // namespace

void Sample::point() {
  record.checksums = checksums;
  record.places = places;
  record.data = data;
}

Sample Sample::write(std::uint64_t seed, std::uint64_t blocks) {
  Sample s;
  s.data.resize(blocks * block_size);
  fill(s.data, seed);
  Writer w(s.checksums);
  for (std::uint64_t i = 0; i < blocks; ++i)
    w.checksum(checksum_of(Span(s.data).subspan(i * block_size, block_size)));
  s.record.kind = Kind::write;
  s.record.volume = VolumeId{1 + seed % 3};
  s.record.block = Block{seed % 1000};
  s.record.count = blocks;
  s.point();
  return s;
}

Sample Sample::direct(std::uint64_t seed, std::uint64_t blocks) {
  Sample s;
  s.places.resize(blocks * 8);
  s.checksums.resize(blocks * 8);
  fill(s.places, seed);
  fill(s.checksums, seed + 1);
  s.record.kind = Kind::direct;
  s.record.count = blocks;
  s.record.volume = VolumeId{seed % 5};
  s.point();
  return s;
}

Sample Sample::mark(std::string_view text, WallTime time) {
  Sample s;
  s.data = to_buffer(as_span(text));
  s.record.kind = Kind::mark;
  s.record.time = time;
  s.point();
  return s;
}

Sample::Sample(std::uint64_t seed) {
  os::sim::Rng rng(seed);
  std::uint64_t kind = rng.below(10);
  if (kind < 5) {
    *this = write(seed, 1 + (rng.chance(100) ? rng.below(8) : rng.below(2)));
  } else if (kind < 6) {
    *this = direct(seed, 1 + rng.below(40));
  } else if (kind < 7) {
    record.kind = Kind::zero;
    record.flags = rng.coin() ? flag_discard : 0;
    record.count = rng.next();
  } else {
    *this = mark(std::string(rng.below(300), static_cast<char>('a' + seed % 26)));
    record.kind = kind == 7 ? Kind::catalog : kind == 8 ? Kind::position : Kind::mark;
  }
  rng.fill(record.group.bytes);
  rng.fill(record.origin.generation.bytes);
  if (rng.coin()) record.origin.lsn = Lsn{rng.next()};
}

std::string print(const Record& r) {
  Buffer all;
  Writer w(all);
  w.u8(static_cast<std::uint8_t>(r.kind));
  w.u8(r.flags);
  w.number(r.volume);
  w.number(r.block);
  w.u64(r.count);
  w.origin(r.origin);
  w.u64(static_cast<std::uint64_t>(r.time.us));
  w.id(r.group);
  for (Span part : {r.checksums, r.places, r.data}) {
    w.u64(part.size());
    w.raw(part);
  }
  return std::to_string(r.lsn.value) + ":" + std::to_string(static_cast<int>(r.kind)) + ":" +
         std::to_string(r.data.size()) + ":" + std::to_string(checksum_of(all).value % 1000000);
}

}  // namespace lockstep::journal
