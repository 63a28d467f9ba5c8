// Statement: one SQL statement with its parameters and its present row. Parameters count from 1, columns from 0.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/base.h"

namespace lockstep::db {

class Connection;
namespace detail {
struct Prepared;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_number = false;
template <class Tag>
inline constexpr bool is_number<Number<Tag>> = true;
template <class T>
inline constexpr bool is_uuid = false;
template <class Tag>
inline constexpr bool is_uuid<Uuid<Tag>> = true;
}  // namespace detail

// Goes back to its connection's cache when it dies; must not outlive the connection.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Text and blobs are copied. A parameter that does not exist is our own mistake. Unsigned numbers are stored by their
  // bits: above 2^63-1 they come back unchanged but sort as negative ones.
  void bind(int at, std::nullptr_t);
  void bind(int at, std::int64_t value);
  void bind(int at, std::string_view text);
  void bind(int at, const char* text) { bind(at, std::string_view(text)); }
  void bind(int at, const std::string& text) { bind(at, std::string_view(text)); }
  void bind(int at, Span blob);
  void bind(int at, const Buffer& blob) { bind(at, Span(blob)); }
  template <std::integral T>
  void bind(int at, T value) { bind(at, static_cast<std::int64_t>(value)); }
  template <class Tag>
  void bind(int at, Number<Tag> number) { bind(at, static_cast<std::int64_t>(number.value)); }
  template <class Tag>
  void bind(int at, const Uuid<Tag>& id) { bind(at, Span(id.bytes)); }
  void bind(int at, Checksum checksum) { bind(at, static_cast<std::int64_t>(checksum.value)); }
  void bind(int at, WallTime time) { bind(at, time.us); }
  template <class T>
  void bind(int at, const std::optional<T>& value) {
    if (value) bind(at, *value);
    else bind(at, nullptr);
  }
  // Parameters 1, 2, ... at once.
  template <class... Args>
  Statement& with(const Args&... args) {
    int at = 0;
    (bind(++at, args), ...);
    return *this;
  }

  // True: a row is there. False: no more rows. After an error only reset() is of use.
  Result<bool> step();
  // To the end, rows dropped, then reset.
  Result<> run();
  // Ready to be bound and stepped again; parameters become null.
  void reset();

  // The present row. A value of another type or size than asked for reads as zero or empty and makes the next step() (and
  // read_well()) fail with `corrupt`: what we did not write must not be taken for what we did.
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t i64(int column);
  [[nodiscard]] std::string_view text(int column);   // until the next step or reset
  [[nodiscard]] Span blob(int column);               // until the next step or reset
  // T: an integer, bool, std::string, Buffer, Number<>, Uuid<>, Checksum, WallTime, or std::optional of one of these (null: none).
  template <class T>
  [[nodiscard]] T get(int column) {
    if constexpr (detail::is_optional<T>) {
      if (is_null(column)) return std::nullopt;
      return get<typename T::value_type>(column);
    } else if constexpr (std::is_integral_v<T>) {
      std::int64_t value = i64(column);
      if constexpr (sizeof(T) < 8)
        if (static_cast<std::int64_t>(static_cast<T>(value)) != value) misread(column);
      return static_cast<T>(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return std::string(text(column));
    } else if constexpr (std::is_same_v<T, Buffer>) {
      return to_buffer(blob(column));
    } else if constexpr (std::is_same_v<T, WallTime>) {
      return WallTime{i64(column)};
    } else if constexpr (std::is_same_v<T, Checksum> || detail::is_number<T>) {
      return T{static_cast<std::uint64_t>(i64(column))};
    } else {
      static_assert(detail::is_uuid<T>);
      T id;
      Span bytes = blob(column);
      if (bytes.size() != id.bytes.size()) misread(column);
      else std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
      return id;
    }
  }
  [[nodiscard]] Result<> read_well() const;

 private:
  friend class Connection;
  Statement(Connection& connection, detail::Prepared* prepared) : connection_(connection), prepared_(prepared) {}
  void misread(int column);

  Connection& connection_;
  detail::Prepared* prepared_;
  std::optional<Error> error_;   // told by the next step()
};

}  // namespace lockstep::db
