// Scalars as text, the way CIM-XML and queries write them (DSP0201, 5.2.4). Private to cim.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cim/provider.h"

namespace lockstep::cim {

[[nodiscard]] std::optional<Type> parse_type(std::string_view name) noexcept;
[[nodiscard]] constexpr bool is_unsigned(Type type) noexcept { return type >= Type::uint8 && type <= Type::uint64; }
[[nodiscard]] constexpr bool is_signed(Type type) noexcept { return type >= Type::sint8 && type <= Type::sint64; }
[[nodiscard]] constexpr bool is_real(Type type) noexcept { return type == Type::real32 || type == Type::real64; }

// Of everything but references and embedded instances, which are no text: those give "".
[[nodiscard]] std::string text_of(const Scalar& scalar);

// The value that `text` stands for, inside the bounds of `type`; type_mismatch otherwise. Not for references.
[[nodiscard]] CimAnswer<Scalar> scalar_of(Type type, std::string_view text);

// 25 characters, digits, dots and asterisks where they belong.
[[nodiscard]] bool good_datetime(std::string_view text) noexcept;

[[nodiscard]] std::string lower(std::string_view text);   // of ASCII letters: names of CIM are equal whatever their case
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

[[nodiscard]] bool good_utf8(std::string_view text) noexcept;

inline std::unexpected<CimError> cim_error(Status status, std::string message) { return std::unexpected(CimError{status, std::move(message)}); }

}  // namespace lockstep::cim
