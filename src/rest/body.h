// Body: the properties of a request, taken one by one; what is left over, of the wrong type or missing is found out at the end.
// Private to rest.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rest/reply.h"

namespace lockstep::rest {

// A text that stands for a number of the SM model.
struct Word {
  std::string_view word;
  std::uint16_t number;
};
inline constexpr Word sync_type_words[] = {{"Mirror", 6}, {"Snapshot", 7}, {"Clone", 8}, {"TokenizedClone", 9}};
inline constexpr Word mode_words[] = {{"Synchronous", 2}, {"Asynchronous", 3}, {"Adaptive", 4}};

class Body {
 public:
  explicit Body(const json::object& object, std::string prefix = {}) : object_(object), prefix_(std::move(prefix)) {}
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  // Nothing when absent or null; of the wrong type, remembered as a fault.
  std::optional<std::string> text(std::string_view key);
  std::optional<std::uint64_t> number(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::string> name(std::string_view key);                   // a text or a link: see name_of_reference
  std::optional<std::string> reference(std::string_view key);              // the same, as it was written
  std::optional<std::vector<std::string>> names(std::string_view key);
  // An object's own properties; absent: one without any.
  Body& inner(std::string_view key);

  // The same, and absent is a fault.
  std::string required_text(std::string_view key);
  std::string required_name(std::string_view key);
  std::uint64_t required_number(std::string_view key);

  // A value that is a text of `words` (its index), or its number.
  std::optional<std::uint16_t> word_or_number(std::string_view key, std::span<const Word> words);

  // Known, and not to be changed.
  void not_writable(std::string_view key);
  [[nodiscard]] bool has(std::string_view key) const { return object_.contains(key); }

  // The first fault, or the first property that nobody asked for (names that start with '@' may always be there).
  [[nodiscard]] std::optional<Reply> fault();   // once
  // A rule about a value is broken.
  void refuse_value(std::string_view key, std::string message);

 private:
  const json::value* take(std::string_view key);
  void wrong_type(std::string_view key, std::string_view wanted);
  void missing(std::string_view key);
  void note(Reply reply);
  [[nodiscard]] std::string full(std::string_view key) const { return prefix_ + std::string(key); }

  const json::object& object_;
  std::string prefix_;
  std::set<std::string, std::less<>> known_;
  std::optional<Reply> fault_;
  std::list<Body> inner_;
  static const json::object nothing_;
};

// The body of a request as an object; empty counts as {}.
[[nodiscard]] std::expected<json::object, Reply> parse_body(const http::Request& request);

}  // namespace lockstep::rest
