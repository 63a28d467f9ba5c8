// For tests: bytes that go bad behind everybody's back.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica::testing {

// The block that TestSystem::write() makes of `tag` at `at`.
inline Buffer pattern_at(std::uint64_t tag, Bytes at) { return pool::testing::pattern(tag, at, 4096); }

// Offsets in the file at which these bytes lie.
inline std::vector<Bytes> places_of(TestSystem& system, const std::string& path, Span bytes, std::size_t step = 4096) {
  std::vector<Bytes> out;
  Buffer all = system.host.disk().bytes_of(path);
  for (std::size_t at = 0; at + bytes.size() <= all.size(); at += step) {
    if (std::equal(bytes.begin(), bytes.end(), all.begin() + static_cast<std::ptrdiff_t>(at))) out.push_back(Bytes{at});
  }
  return out;
}

// One bit of each place in the data file that holds these bytes; how many there were.
inline std::size_t damage(TestSystem& system, const Buffer& bytes, const std::string& pool = "p") {
  const std::string path = "/" + pool + "/store/data";
  std::vector<Bytes> places = places_of(system, path, bytes);
  for (Bytes at : places) system.host.disk().corrupt(path, at + Bytes{100});
  return places.size();
}

// A block of the target's group becomes something else, and its position does not tell.
inline void alter(TestSystem& system, const std::string& group, const std::string& volume, std::uint64_t tag, Bytes at, std::size_t pool = 0) {
  const store::GroupRow* row = system.group(group, pool);
  Buffer data = pattern_at(tag, at);
  Buffer sums;
  Writer out(sums);
  out.checksum(checksum_of(data));
  journal::Record record;
  record.kind = journal::Kind::write;
  record.flags = journal::flag_resync;
  record.origin = {row->position.generation, Lsn{1}};
  record.volume = *system.pool(pool).find_volume(volume);
  record.block = block_at(at);
  record.count = 1;
  record.checksums = sums;
  record.data = data;
  std::vector<journal::Record> records{record};
  must(system.on_pool(system.pool(pool).apply(row->id, std::move(records)), pool));
}

}  // namespace lockstep::replica::testing
