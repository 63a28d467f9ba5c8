// Ids: 128 random bits, or small numbers inside one pool. They name; they never order.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace lockstep {

// 16 bytes, written as 32 lower-case hex digits. All zero means "none".
template <class Tag>
struct Uuid {
  std::array<std::byte, 16> bytes{};

  constexpr auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] constexpr bool is_none() const { return *this == Uuid{}; }
};

using SystemId = Uuid<struct SystemTag>;
using PoolId = Uuid<struct PoolTag>;
using GroupId = Uuid<struct GroupTag>;
using VolumeUuid = Uuid<struct VolumeUuidTag>;         // a volume's name for the outside world
using SnapshotId = Uuid<struct SnapshotTag>;           // of one group snapshot
using RelationshipId = Uuid<struct RelationshipTag>;   // the same on both ends
using JobId = Uuid<struct JobTag>;
using Generation = Uuid<struct GenerationTag>;         // a stretch of history

using VolumeId = Number<struct VolumeTag>;             // inside one pool; never used again

// Where a record was first written. The only kind of position that leaves a pool.
struct Origin {
  Generation generation;
  Lsn lsn;
  constexpr auto operator<=>(const Origin&) const = default;
};

[[nodiscard]] std::string hex_of(std::span<const std::byte> bytes);
[[nodiscard]] bool parse_hex(std::string_view text, std::span<std::byte> into);

template <class Tag>
[[nodiscard]] std::string text_of(const Uuid<Tag>& id) { return hex_of(id.bytes); }
template <class Tag>
[[nodiscard]] std::string short_text_of(const Uuid<Tag>& id) { return hex_of(id.bytes).substr(0, 8); }
[[nodiscard]] std::string text_of(const Origin& origin);   // "@1a2b3c4d:77"

template <class Id>
[[nodiscard]] Result<Id> parse_id(std::string_view text) {
  Id id;
  if (text.size() != 32 || !parse_hex(text, id.bytes)) return fail(Code::invalid, "'" + std::string(text) + "' is not an id: 32 hex digits are");
  return id;
}

}  // namespace lockstep

template <class Tag>
struct std::hash<lockstep::Uuid<Tag>> {
  std::size_t operator()(const lockstep::Uuid<Tag>& id) const noexcept {
    std::size_t h = 0;   // ids are random: their first bytes are hash enough
    for (std::size_t i = 0; i < sizeof h; ++i) h = (h << 8) | static_cast<std::size_t>(id.bytes[i]);
    return h;
  }
};
template <class Tag>
struct std::hash<lockstep::Number<Tag>> {
  std::size_t operator()(lockstep::Number<Tag> n) const noexcept { return n.value * 0x9E3779B97F4A7C15ull; }
};
