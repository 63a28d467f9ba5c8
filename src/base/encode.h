// Encode: little-endian integers in byte buffers, for every format on disk and on the wire.
// A Writer grows its buffer; a Reader never reads past its end and remembers that somebody tried.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "base/units.h"

namespace lockstep {

template <class T>
  requires std::is_unsigned_v<T>
void store_le(std::byte* at, T value) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}
template <class T>
  requires std::is_unsigned_v<T>
[[nodiscard]] T load_le(const std::byte* at) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | (static_cast<T>(at[i]) << (8 * i)));
  return value;
}

class Writer {
 public:
  explicit Writer(Buffer& into) : into_(into) {}

  void u8(std::uint8_t v) { put(v); }
  void u16(std::uint16_t v) { put(v); }
  void u32(std::uint32_t v) { put(v); }
  void u64(std::uint64_t v) { put(v); }
  template <class Tag>
  void number(Number<Tag> n) { put(n.value); }
  template <class Tag>
  void id(const Uuid<Tag>& id) { raw(id.bytes); }
  void origin(const Origin& o) { id(o.generation); number(o.lsn); }
  void checksum(Checksum c) { put(c.value); }
  void raw(Span bytes) { into_.insert(into_.end(), bytes.begin(), bytes.end()); }
  void text(std::string_view s) { u32(static_cast<std::uint32_t>(s.size())); raw(as_span(s)); }
  void zeroes(std::size_t n) { into_.resize(into_.size() + n); }
  [[nodiscard]] std::size_t size() const { return into_.size(); }

 private:
  template <class T>
  void put(T v) {
    std::size_t at = into_.size();
    into_.resize(at + sizeof v);
    store_le(into_.data() + at, v);
  }
  Buffer& into_;
};

class Reader {
 public:
  explicit Reader(Span from) : from_(from) {}

  std::uint8_t u8() { return get<std::uint8_t>(); }
  std::uint16_t u16() { return get<std::uint16_t>(); }
  std::uint32_t u32() { return get<std::uint32_t>(); }
  std::uint64_t u64() { return get<std::uint64_t>(); }
  template <class N>
  N number() { return N{get<std::uint64_t>()}; }
  template <class Id>
  Id id() {
    Id out;
    Span bytes = raw(out.bytes.size());
    if (!bytes.empty()) std::memcpy(out.bytes.data(), bytes.data(), bytes.size());
    return out;
  }
  Origin origin() {
    Origin o;
    o.generation = id<Generation>();
    o.lsn = number<Lsn>();
    return o;
  }
  Checksum checksum() { return {get<std::uint64_t>()}; }
  Span raw(std::size_t n) {
    if (n > from_.size()) {
      ok_ = false;
      from_ = {};
      return {};
    }
    Span out = from_.first(n);
    from_ = from_.subspan(n);
    return out;
  }
  std::string text(std::size_t most = 65536) {
    std::uint32_t n = u32();
    if (n > most) {
      ok_ = false;
      return {};
    }
    return std::string(as_text(raw(n)));
  }
  [[nodiscard]] bool ok() const { return ok_; }            // nobody read past the end so far
  [[nodiscard]] std::size_t left() const { return from_.size(); }
  [[nodiscard]] Span rest() const { return from_; }

 private:
  template <class T>
  T get() {
    Span bytes = raw(sizeof(T));
    return bytes.empty() ? T{0} : load_le<T>(bytes.data());
  }
  Span from_;
  bool ok_ = true;
};

}  // namespace lockstep
