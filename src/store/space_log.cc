#include "store/space_log.h"

#include <algorithm>

#include "store/slot.h"
#include "store/varint.h"

namespace lockstep::store {
namespace {

constexpr std::uint8_t format = 1;

void put_runs(Writer& w, const std::vector<Run>& runs) {
  put_varint(w, runs.size());
  std::uint64_t at = 0;
  for (const Run& run : runs) {
    put_varint(w, run.first.value - at);
    put_varint(w, run.count - 1);
    at = run.first.value + run.count;
  }
}

bool get_runs(Reader& r, std::vector<Run>& runs) {
  std::uint64_t count = 0;
  if (!get_varint(r, count) || count > r.left()) return false;
  runs.reserve(count);
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t gap = 0;
    std::uint64_t length = 0;
    if (!get_varint(r, gap) || !get_varint(r, length)) return false;
    if (gap > place_most - at || length >= place_most - at - gap) return false;
    runs.push_back({Place{at + gap}, length + 1});
    at += gap + length + 1;
  }
  return true;
}

bool equal(const std::vector<Run>& a, const std::vector<Run>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Run& x, const Run& y) { return x.first == y.first && x.count == y.count; });
}

}  // namespace

bool SpaceRow::operator==(const SpaceRow& other) const { return lsn == other.lsn && equal(used, other.used) && equal(freed, other.freed); }

Buffer encode_space(const SpaceRow& row) {
  Buffer out;
  out.reserve(16 + 4 * (row.used.size() + row.freed.size()));
  Writer w(out);
  w.u8(format);
  w.number(row.lsn);
  put_runs(w, row.used);
  put_runs(w, row.freed);
  return out;
}

Result<SpaceRow> decode_space(Span bytes) {
  Reader r(bytes);
  if (r.u8() != format) return fail(Code::corrupt, "a space format unknown to this release");
  SpaceRow row;
  row.lsn = r.number<Lsn>();
  if (!get_runs(r, row.used) || !get_runs(r, row.freed) || !r.ok() || r.left() != 0)
    return fail(Code::corrupt, "a space row cut short, or runs that cannot be");
  return row;
}

std::vector<Run> runs_of(std::vector<Place> places) {
  std::sort(places.begin(), places.end());
  std::vector<Run> runs;
  for (Place place : places) {
    if (!runs.empty() && place.value < runs.back().first.value + runs.back().count) continue;
    if (!runs.empty() && place.value == runs.back().first.value + runs.back().count) ++runs.back().count;
    else runs.push_back({place, 1});
  }
  return runs;
}

}  // namespace lockstep::store
