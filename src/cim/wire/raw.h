// Messages as they were written: everything is text still, nothing is looked up in the schema. Private to cim.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::cim {

struct RawPath;
struct RawInstance;

struct RawKey {
  std::string name;      // empty where a class has one key only and it was not named
  std::string text;
  std::shared_ptr<const RawPath> reference;   // instead of the text
};

// An instance name or path, or the path of a class (no keys).
struct RawPath {
  std::string host;
  std::string name_space;
  std::string class_name;
  std::vector<RawKey> keys;
  bool of_class = false;
};

struct RawValue {
  enum class Kind { null, text, texts, path, paths, instance, named_instance, other };
  Kind kind = Kind::null;
  std::string text;
  std::vector<std::optional<std::string>> texts;   // VALUE.NULL has none
  std::vector<std::optional<RawPath>> paths;       // one for Kind::path and named_instance
  std::shared_ptr<const RawInstance> instance;
};

struct RawProperty {
  std::string name;
  std::string type;           // empty for a reference
  bool is_array = false;
  bool embedded = false;      // says that its text is an instance
  RawValue value;
};

struct RawInstance {
  std::string class_name;
  std::vector<RawProperty> properties;
};

struct RawParameter {
  std::string name;
  std::string type;           // PARAMTYPE, where it was given
  bool embedded = false;
  RawValue value;
};

// One IMETHODCALL or METHODCALL.
struct RawCall {
  bool intrinsic = true;
  std::string name;
  std::string name_space;                // "root/interop"
  RawPath object;                        // of a METHODCALL
  std::vector<RawParameter> parameters;
};

struct RawMessage {
  std::string id;
  bool multiple = false;
  std::vector<RawCall> calls;            // one, unless `multiple`
};

}  // namespace lockstep::cim
