// Verify: whether both ends of a mirror hold the same at one position of their source: what may be asked, and what was found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/base.h"

namespace lockstep::replica {

struct VerifyRequest {
  bool read = false;     // read the data of both ends again, too: slowly, against their checksums
  bool repair = false;   // have the source send again what differs
};

// Bytes at one end that did not match their checksum.
struct DamageReport {
  bool at_source = false;
  std::string where;     // pool, volume and offset; file and offset in it
  std::string what;
  bool repaired = false;
};

struct VerifyReport {
  struct Volume {
    std::string name;              // at the source
    std::uint64_t different = 0;   // blocks
  };
  struct Range {
    std::size_t volume = 0;        // of `volumes`
    Bytes at, length;
  };
  Origin position;                 // of both ends
  WallTime time;                   // of the last write before it
  std::vector<Volume> volumes;
  Bytes compared{0};               // of one end: sizes of the volumes
  std::uint64_t different = 0;     // blocks, of all volumes
  std::vector<Range> ranges;       // the first of them, in order, merged
  std::uint64_t repaired = 0;      // blocks that the source has sent again
  std::string not_repaired;        // why not all of them
  Bytes read{0};                   // at both ends
  std::uint64_t damaged = 0, mended = 0;
  std::vector<DamageReport> damages;   // the first of them
  Duration took{0};

  static constexpr std::size_t listed_most = 100;
  [[nodiscard]] bool equal() const { return different == 0; }
  // Nothing is left to be done.
  [[nodiscard]] bool good() const { return repaired == different && mended == damaged; }
};

// In one line, for people.
[[nodiscard]] std::string text_of(const VerifyReport& report);
// And what there is to be said besides, a line for each volume, range and damage that is listed.
[[nodiscard]] std::vector<std::string> findings(const VerifyReport& report);

}  // namespace lockstep::replica
