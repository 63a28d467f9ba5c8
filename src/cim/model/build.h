// Building instances: values in a few words, and an instance that has every property of its class from the start. Private to cim.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "cim/value.h"

namespace lockstep::cim::model {

[[nodiscard]] Value text(std::string value);
[[nodiscard]] Value text_or_null(std::string value);          // NULL when empty
[[nodiscard]] Value number(std::uint64_t value);
[[nodiscard]] Value flag(bool value);
[[nodiscard]] Value texts(std::vector<std::string> values);
[[nodiscard]] Value numbers(const std::vector<std::uint64_t>& values);
[[nodiscard]] Value time(WallTime time);                      // NULL for never
[[nodiscard]] Value interval(Duration length);                // of at least 0
[[nodiscard]] Value reference(ObjectPath path);
[[nodiscard]] Value embedded(Instance instance);
[[nodiscard]] Value embedded_all(std::vector<Instance> instances);

[[nodiscard]] ObjectPath path_by(std::string_view class_name, std::string_view key, std::string value);

// Every property is NULL until it is set. Setting one that the class does not have is our own mistake.
class Builder {
 public:
  explicit Builder(std::string_view class_name);
  Builder& set(std::string_view property, Value value);
  [[nodiscard]] Instance take() { return std::move(instance_); }

 private:
  Instance instance_;
  std::size_t next_ = 0;   // properties are mostly set in their order
};

}  // namespace lockstep::cim::model
