#include "cim/model/build.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>

namespace lockstep::cim::model {

namespace {

template <class T, class Make>
Value array_of(T&& items, Make make) {
  Value::Array out;
  out.reserve(items.size());
  for (auto& item : items) out.emplace_back(std::in_place_type<Scalar>, make(item));   // in place: g++ 12 sees ghosts in a moved one
  return Value(std::move(out));
}

std::string time_text(WallTime time) {
  using namespace std::chrono;
  sys_time<microseconds> at{microseconds(time.us)};
  sys_days day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss clock{at - day};
  char out[32];
  std::snprintf(out, sizeof out, "%04d%02u%02u%02d%02d%02d.%06d+000", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return out;
}

std::string interval_text(Duration length) {
  using namespace std::chrono;
  days whole = floor<days>(length);
  hh_mm_ss clock{floor<microseconds>(length - whole)};
  char out[40];
  std::snprintf(out, sizeof out, "%08lld%02d%02d%02d.%06d:000", static_cast<long long>(whole.count()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return out;
}

}  // namespace

Value text(std::string value) { return Value(Scalar(std::move(value))); }
Value text_or_null(std::string value) { return value.empty() ? Value() : text(std::move(value)); }
Value number(std::uint64_t value) { return Value(Scalar(value)); }
Value flag(bool value) { return Value(Scalar(value)); }
Value texts(std::vector<std::string> values) { return array_of(values, [](std::string& v) { return std::move(v); }); }
Value numbers(const std::vector<std::uint64_t>& values) { return array_of(values, [](std::uint64_t v) { return v; }); }
Value time(WallTime time) { return time.us == 0 ? Value() : Value(Scalar(DateTime{time_text(time)})); }
Value interval(Duration length) { return Value(Scalar(DateTime{interval_text(length < Duration{0} ? Duration{0} : length)})); }
Value reference(ObjectPath path) { return Value(Scalar(std::make_shared<const ObjectPath>(std::move(path)))); }
Value embedded(Instance instance) { return Value(Scalar(std::make_shared<const Instance>(std::move(instance)))); }
Value embedded_all(std::vector<Instance> instances) {
  return array_of(instances, [](Instance& instance) { return std::make_shared<const Instance>(std::move(instance)); });
}

ObjectPath path_by(std::string_view class_name, std::string_view key, std::string value) {
  ObjectPath path;
  path.class_name = std::string(class_name);
  path.keys.push_back({std::string(key), Type::string, false, text(std::move(value))});
  return path;
}

Builder::Builder(std::string_view class_name) {
  const Class* cls = find_class(class_name);
  CHECK(cls != nullptr);
  instance_.class_name = std::string(cls->name);
  std::span<const Property* const> properties = properties_of(*cls);
  instance_.properties.reserve(properties.size());
  for (const Property* property : properties) instance_.properties.push_back({std::string(property->name), property->type, property->is_array, Value()});
}

Builder& Builder::set(std::string_view property, Value value) {
  std::size_t count = instance_.properties.size();
  for (std::size_t i = 0; i < count; ++i) {
    NamedValue& at = instance_.properties[(next_ + i) % count];
    if (at.name != property) continue;
    CHECK(value.is_null() || (value.array() != nullptr) == at.is_array);
    at.value = std::move(value);
    next_ = (next_ + i + 1) % count;
    return *this;
  }
  CHECK(!"the class has no such property");
  return *this;
}

}  // namespace lockstep::cim::model

namespace lockstep::cim {

ObjectPath path_of(const Instance& instance) {
  ObjectPath path;
  path.class_name = instance.class_name;
  const Class* cls = find_class(instance.class_name);
  if (!cls) return path;
  for (const Property* property : properties_of(*cls)) {
    if (!property->key) continue;
    const NamedValue* value = instance.find(property->name);
    if (value) path.keys.push_back(*value);
  }
  return path;
}

}  // namespace lockstep::cim
