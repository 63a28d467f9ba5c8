// The elements of CIM-XML below a request. Names the parser's types: included by .cc files of wire/ only.
#pragma once

#include <pugixml.hpp>

#include <expected>
#include <string>
#include <vector>

#include "cim/wire/raw.h"

namespace lockstep::cim::xml {

struct Fault {
  std::string what;
};
template <class T>
using Read = std::expected<T, Fault>;

[[nodiscard]] std::vector<pugi::xml_node> children(pugi::xml_node node);   // elements only
[[nodiscard]] std::string text_in(pugi::xml_node node);                     // its text, pieces and CDATA put together
[[nodiscard]] std::expected<std::string, Fault> name_of(pugi::xml_node node, const char* attribute = "NAME");

[[nodiscard]] Read<RawCall> read_call(pugi::xml_node call);                 // IMETHODCALL, METHODCALL
[[nodiscard]] Read<RawValue> read_value(pugi::xml_node holder, std::string_view owner);   // of what may hold one value
[[nodiscard]] Read<RawPath> read_path(pugi::xml_node path);                 // INSTANCENAME, INSTANCEPATH, CLASSPATH and the like
[[nodiscard]] Read<RawInstance> read_instance(pugi::xml_node instance);
[[nodiscard]] Read<std::string> read_name_space(pugi::xml_node local);      // LOCALNAMESPACEPATH

}  // namespace lockstep::cim::xml
