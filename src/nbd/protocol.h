// The NBD protocol's numbers, as in doc/proto.md of the NBD project ("NBD specification" below), and its byte
// order. All integers on the wire are unsigned and big-endian ("Conventions").
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/base.h"

namespace lockstep::nbd {

// "Newstyle negotiation", "Fixed newstyle negotiation"
inline constexpr std::uint64_t magic_server = 0x4e42444d41474943;  // "NBDMAGIC"
inline constexpr std::uint64_t magic_option = 0x49484156454F5054;  // "IHAVEOPT"
inline constexpr std::uint64_t magic_option_reply = 0x0003e889045565a9;
inline constexpr std::size_t option_header_size = 16;
inline constexpr std::size_t option_reply_header_size = 20;
inline constexpr std::size_t string_most = 4096;  // bytes; "Conventions"
inline constexpr std::size_t export_name_zeroes = 124;

// "Handshake flags", "Client flags"
inline constexpr std::uint16_t flag_fixed_newstyle = 1 << 0;
inline constexpr std::uint16_t flag_no_zeroes = 1 << 1;

// "Transmission flags"
inline constexpr std::uint16_t flag_has_flags = 1 << 0;
inline constexpr std::uint16_t flag_read_only = 1 << 1;
inline constexpr std::uint16_t flag_send_flush = 1 << 2;
inline constexpr std::uint16_t flag_send_fua = 1 << 3;
inline constexpr std::uint16_t flag_send_trim = 1 << 5;
inline constexpr std::uint16_t flag_send_write_zeroes = 1 << 6;
inline constexpr std::uint16_t flag_send_df = 1 << 7;
inline constexpr std::uint16_t flag_can_multi_conn = 1 << 8;
inline constexpr std::uint16_t flag_send_cache = 1 << 10;
inline constexpr std::uint16_t flag_send_fast_zero = 1 << 11;

// "Option types"
enum class Opt : std::uint32_t {
  export_name = 1,
  abort = 2,
  list = 3,
  starttls = 5,
  info = 6,
  go = 7,
  structured_reply = 8,
  list_meta_context = 9,
  set_meta_context = 10,
};

// "Option reply types"
enum class Rep : std::uint32_t {
  ack = 1,
  server = 2,
  info = 3,
  meta_context = 4,
  err_unsup = 0x80000001,
  err_policy = 0x80000002,
  err_invalid = 0x80000003,
  err_platform = 0x80000004,
  err_tls_reqd = 0x80000005,
  err_unknown = 0x80000006,
  err_shutdown = 0x80000007,
  err_too_big = 0x80000009,
};

// Kinds of NBD_REP_INFO
enum class Info : std::uint16_t { export_ = 0, name = 1, description = 2, block_size = 3 };

// "Metadata contexts"
inline constexpr std::string_view context_base = "base:";
inline constexpr std::string_view context_base_allocation = "base:allocation";
inline constexpr std::uint32_t context_base_allocation_id = 1;
inline constexpr std::uint32_t state_hole = 1 << 0;
inline constexpr std::uint32_t state_zero = 1 << 1;

// "Request message"
inline constexpr std::uint32_t magic_request = 0x25609513;
inline constexpr std::size_t request_size = 28;

enum class Cmd : std::uint16_t {
  read = 0,
  write = 1,
  disc = 2,
  flush = 3,
  trim = 4,
  cache = 5,
  write_zeroes = 6,
  block_status = 7,
};

// "Command flags"
inline constexpr std::uint16_t cmd_fua = 1 << 0;
inline constexpr std::uint16_t cmd_no_hole = 1 << 1;
inline constexpr std::uint16_t cmd_df = 1 << 2;
inline constexpr std::uint16_t cmd_req_one = 1 << 3;
inline constexpr std::uint16_t cmd_fast_zero = 1 << 4;

// "Simple reply message", "Structured reply chunk message"
inline constexpr std::uint32_t magic_simple_reply = 0x67446698;
inline constexpr std::size_t simple_reply_size = 16;
inline constexpr std::uint32_t magic_structured_reply = 0x668e33ef;
inline constexpr std::size_t chunk_header_size = 20;
inline constexpr std::uint16_t reply_done = 1 << 0;
inline constexpr std::uint16_t reply_offset_data = 1;
inline constexpr std::uint16_t reply_offset_hole = 2;
inline constexpr std::uint16_t reply_block_status = 5;
inline constexpr std::uint16_t reply_error_type = 0x8001;

// "Block size constraints": what we say in NBD_INFO_BLOCK_SIZE.
inline constexpr std::uint32_t block_size_least = 512;
inline constexpr std::uint32_t block_size_preferred = 4096;
inline constexpr std::uint32_t payload_most = 32u << 20;

// "Error values"
enum class Errno : std::uint32_t {
  none = 0,
  eperm = 1,
  eio = 5,
  enomem = 12,
  einval = 22,
  enospc = 28,
  eoverflow = 75,
  enotsup = 95,
  eshutdown = 108,
};

template <class T>
[[nodiscard]] inline T load_be(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
  return value;
}

// Writes integers one after the other; the caller has made room.
class Put {
 public:
  explicit Put(std::byte* at) : at_(at) {}
  template <class T>
  Put& be(T value) noexcept {
    if constexpr (std::is_enum_v<T>) {
      return be(static_cast<std::underlying_type_t<T>>(value));
    } else {
      static_assert(std::is_unsigned_v<T>);
      if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
      std::memcpy(at_, &value, sizeof value);
      at_ += sizeof value;
      return *this;
    }
  }
  Put& text(std::string_view s) noexcept {
    if (!s.empty()) std::memcpy(at_, s.data(), s.size());
    at_ += s.size();
    return *this;
  }
  [[nodiscard]] std::byte* at() const { return at_; }

 private:
  std::byte* at_;
};

// Takes integers and strings from bytes that somebody else sent; never past their end.
class Take {
 public:
  explicit Take(Span from) : from_(from) {}
  template <class T>
  T be() noexcept {
    Span bytes = raw(sizeof(T));
    return bytes.empty() ? T{0} : load_be<T>(bytes.data());
  }
  Span raw(std::size_t n) noexcept {
    if (n > from_.size()) {
      ok_ = false;
      from_ = {};
      return {};
    }
    Span out = from_.first(n);
    from_ = from_.subspan(n);
    return out;
  }
  std::string_view text(std::size_t n) noexcept { return as_text(raw(n)); }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && from_.empty(); }

 private:
  Span from_;
  bool ok_ = true;
};

// "Request message", decoded. The magic has been checked by whoever made one.
struct Request {
  std::uint16_t flags = 0;
  std::uint16_t type = 0;
  std::uint64_t cookie = 0;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;

  [[nodiscard]] Cmd cmd() const { return static_cast<Cmd>(type); }
  [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
};

[[nodiscard]] inline Request decode_request(const std::byte* at) noexcept {
  return {load_be<std::uint16_t>(at + 4), load_be<std::uint16_t>(at + 6), load_be<std::uint64_t>(at + 8),
          load_be<std::uint64_t>(at + 16), load_be<std::uint32_t>(at + 24)};
}

}  // namespace lockstep::nbd
