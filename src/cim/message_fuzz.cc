// A request's body, arbitrary: read, typed and written back without a crash; queries in it are parsed and tried.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cim/query/query.h"
#include "cim/wire/reader.h"
#include "cim/wire/typed.h"
#include "cim/wire/write.h"

namespace {

using namespace lockstep::cim;

// What was typed is written as something that reads the same.
void instance_comes_back(const RawInstance& raw) {
  auto instance = typed_instance(raw);
  if (!instance) return;
  std::string text;
  write_instance(text, *instance, Place{"h", "interop"}, Shown{});
  auto again = read_instance(text, ScanLimits{});
  CHECK(again.has_value());
  auto back = typed_instance(*again);
  CHECK(back.has_value());
  std::string second;
  write_instance(second, *back, Place{"h", "interop"}, Shown{});
  CHECK(second == text);
}

void try_query(Language language, std::string_view text) {
  static const Instance instance = [] {
    Instance made;
    made.class_name = "CIM_InstModification";
    for (const Property* property : properties_of(*find_class(made.class_name))) made.properties.push_back({std::string(property->name), property->type, property->is_array, Value()});
    return made;
  }();
  auto query = parse_query(language, text);
  if (query) (void)matches(*query, instance);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (Language language : {Language::wql, Language::cql}) try_query(language, text);
  ReadLimits limits;
  limits.xml.bytes_most = 65536;
  auto message = read_message(text, limits);
  if (!message) return 0;
  for (const RawCall& call : message->calls) {
    if (!call.intrinsic) (void)typed_path(call.object);
    for (const RawParameter& parameter : call.parameters) {
      if (parameter.value.instance) instance_comes_back(*parameter.value.instance);
      if (!parameter.value.paths.empty() && parameter.value.paths.front()) {
        auto path = typed_path(*parameter.value.paths.front());
        if (path) (void)key_of(*path);
      }
      if (parameter.value.kind == RawValue::Kind::text) {
        try_query(Language::wql, parameter.value.text);
        (void)typed_value(parameter.value, parameter.type, Wanted{parameter.name, Type::uint64, false, {}, {}});
        (void)typed_value(parameter.value, {}, Wanted{parameter.name, Type::string, false, {}, "*"});
      }
    }
  }
  return 0;
}
