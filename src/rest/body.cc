#include "rest/body.h"

#include <utility>

namespace lockstep::rest {

const json::object Body::nothing_;

namespace {

// A name, or {"@odata.id": path}.
std::optional<std::string> reference_in(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  const json::object* object = value.if_object();
  if (!object) return std::nullopt;
  const json::value* id = object->if_contains("@odata.id");
  if (!id || !id->if_string()) return std::nullopt;
  return std::string(id->get_string());
}

}  // namespace

const json::value* Body::take(std::string_view key) {
  known_.emplace(key);
  const json::value* value = object_.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

void Body::note(Reply reply) {
  if (!fault_) fault_ = std::move(reply);
}
void Body::wrong_type(std::string_view key, std::string_view wanted) {
  note(base_error(400, "PropertyValueTypeError", "property " + full(key) + " is no " + std::string(wanted), {full(key)}));
}
void Body::missing(std::string_view key) { note(base_error(400, "PropertyMissing", "property " + full(key) + " is missing", {full(key)})); }
void Body::refuse_value(std::string_view key, std::string message) { note(base_error(400, "PropertyValueError", std::move(message), {full(key)})); }
void Body::not_writable(std::string_view key) {
  known_.emplace(key);
  if (object_.contains(key)) note(base_error(400, "PropertyNotWritable", "property " + full(key) + " cannot be changed", {full(key)}, "Leave it out."));
}

std::optional<std::string> Body::text(std::string_view key) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  if (const json::string* text = value->if_string()) return std::string(*text);
  wrong_type(key, "text");
  return std::nullopt;
}

std::optional<std::uint64_t> Body::number(std::string_view key) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  if (const std::uint64_t* number = value->if_uint64()) return *number;
  if (const std::int64_t* number = value->if_int64(); number && *number >= 0) return static_cast<std::uint64_t>(*number);
  wrong_type(key, "whole number from 0 up");
  return std::nullopt;
}

std::optional<bool> Body::boolean(std::string_view key) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  if (const bool* flag = value->if_bool()) return *flag;
  wrong_type(key, "true or false");
  return std::nullopt;
}

std::optional<std::string> Body::reference(std::string_view key) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  std::optional<std::string> text = reference_in(*value);
  if (!text) wrong_type(key, "name or link");
  return text;
}

std::optional<std::string> Body::name(std::string_view key) {
  std::optional<std::string> text = reference(key);
  if (text) text = name_of_reference(*text);
  return text;
}

std::optional<std::vector<std::string>> Body::names(std::string_view key) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  const json::array* array = value->if_array();
  if (!array) {
    wrong_type(key, "list of names or links");
    return std::nullopt;
  }
  std::vector<std::string> out;
  for (const json::value& item : *array) {
    std::optional<std::string> text = reference_in(item);
    if (!text) {
      wrong_type(key, "list of names or links");
      return std::nullopt;
    }
    out.push_back(name_of_reference(*text));
  }
  return out;
}

Body& Body::inner(std::string_view key) {
  const json::value* value = take(key);
  const json::object* object = value ? value->if_object() : nullptr;
  if (value && !object) wrong_type(key, "object");
  return inner_.emplace_back(object ? *object : nothing_, full(key) + "/");
}

std::string Body::required_text(std::string_view key) {
  if (!take(key)) missing(key);
  return text(key).value_or("");
}
std::string Body::required_name(std::string_view key) {
  if (!take(key)) missing(key);
  return name(key).value_or("");
}
std::uint64_t Body::required_number(std::string_view key) {
  if (!take(key)) missing(key);
  return number(key).value_or(0);
}

std::optional<std::uint16_t> Body::word_or_number(std::string_view key, std::span<const Word> words) {
  const json::value* value = take(key);
  if (!value) return std::nullopt;
  if (const json::string* text = value->if_string()) {
    std::string known;
    for (const auto& [word, meaning] : words) {
      if (std::string_view(*text) == word) return meaning;
      known += (known.empty() ? "" : ", ") + std::string(word);
    }
    note(base_error(400, "PropertyValueNotInList", "'" + std::string(*text) + "' of property " + full(key) + " is not one of " + known, {full(key)}));
    return std::nullopt;
  }
  std::optional<std::uint64_t> plain = number(key);
  if (plain && *plain <= 65535) return static_cast<std::uint16_t>(*plain);
  if (plain) refuse_value(key, "property " + full(key) + " is too large");
  return std::nullopt;
}

std::optional<Reply> Body::fault() {
  if (fault_) return std::move(fault_);
  for (const auto& property : object_) {
    std::string_view key = property.key();
    if (!key.starts_with('@') && !known_.contains(key)) return base_error(400, "PropertyUnknown", "property " + full(key) + " is not known here", {full(key)}, "Leave it out.");
  }
  for (Body& body : inner_)
    if (auto fault = body.fault()) return fault;
  return std::nullopt;
}

std::expected<json::object, Reply> parse_body(const http::Request& request) {
  if (request.body.find_first_not_of(" \t\r\n") == std::string::npos) return json::object{};
  if (const std::string* type = request.field("Content-Type")) {
    std::string_view plain = std::string_view(*type).substr(0, type->find(';'));
    while (plain.ends_with(' ')) plain.remove_suffix(1);
    // Command line tools say the form type for any body: taken, as it is JSON that counts.
    if (!http::equal_ignoring_case(plain, "application/json") && !http::equal_ignoring_case(plain, "application/x-www-form-urlencoded"))
      return std::unexpected(base_error(415, "UnsupportedMediaType", "bodies are application/json here, not " + *type, {"Content-Type"}));
  }
  json::error_code error;
  json::parse_options options;
  options.max_depth = 16;
  json::value value = json::parse(request.body, error, {}, options);
  if (error) return std::unexpected(base_error(400, "MalformedJSON", "the body is no JSON: " + error.message()));
  if (!value.is_object()) return std::unexpected(base_error(400, "MalformedJSON", "the body is no JSON object"));
  return std::move(value.get_object());
}

}  // namespace lockstep::rest
