#include "cim/front/envelope.h"

#include <utility>

#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

constexpr std::string_view mapping = "http://www.dmtf.org/cim/mapping/http/v1.0";

http::Response plain(unsigned status, std::string text) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text) + "\n";
  return response;
}

// "Man: http://...;ns=73" of RFC 2774: the prefix, with its dash.
std::optional<std::string> prefix_in(const http::Request& request) {
  const std::string* man = request.field("Man");
  if (!man || man->find(mapping) == std::string::npos) return std::nullopt;
  std::size_t at = lower(*man).find("ns=");
  if (at == std::string::npos) return std::string();
  std::string digits;
  for (char c : std::string_view(*man).substr(at + 3)) {
    if (c < '0' || c > '9' || digits.size() == 8) break;
    digits += c;
  }
  if (digits.empty()) return std::nullopt;
  return digits + "-";
}

// One of `offered` is in a list such as "text/xml;q=0.5, */*".
bool takes(const std::string& list, std::initializer_list<std::string_view> offered) {
  std::string_view rest = list;
  while (!rest.empty()) {
    std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view one = trimmed(rest.substr(0, std::min(rest.find(';'), comma)));
    for (std::string_view name : offered)
      if (same_name(one, name)) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

std::optional<http::Response> content_fault(const http::Request& request) {
  if (const std::string* type = request.field("Content-Type")) {
    std::string said = lower(*type);
    std::string_view media = trimmed(std::string_view(said).substr(0, said.find(';')));
    if (media != "application/xml" && media != "text/xml") return plain(415, "Content-Type is to be application/xml");
    std::size_t charset = said.find("charset=");
    if (charset != std::string::npos && said.find("utf-8", charset) == std::string::npos && said.find("us-ascii", charset) == std::string::npos) return plain(415, "the charset is to be utf-8");
  }
  if (const std::string* coding = request.field("Content-Encoding"); coding && !same_name(trimmed(*coding), "identity")) return plain(415, "Content-Encoding is not offered");
  if (const std::string* accept = request.field("Accept"); accept && !trimmed(*accept).empty() && !takes(*accept, {"application/xml", "text/xml", "application/*", "text/*", "*/*", "*"}))
    return plain(406, "answers are application/xml");
  if (const std::string* charset = request.field("Accept-Charset"); charset && !trimmed(*charset).empty() && !takes(*charset, {"utf-8", "*"})) return plain(406, "answers are in utf-8");
  return std::nullopt;
}

std::optional<std::string> decoded(const std::string* value) {
  if (!value) return std::nullopt;
  return http::percent_decoded(trimmed(*value));
}

// "root/interop:CIM_X.Name=..." of a method, "root/interop" of an operation: name space and class.
std::pair<std::string, std::string> split_object(std::string_view object) {
  std::size_t end = std::min(object.find('.'), object.size());   // keys come behind it; neither name space nor class has one
  std::size_t colon = object.substr(0, end).find(':');
  if (colon == std::string_view::npos) return {std::string(object), ""};
  return {std::string(object.substr(0, colon)), std::string(object.substr(colon + 1, end - colon - 1))};
}

std::string_view without_slashes(std::string_view name) {
  while (name.starts_with('/')) name.remove_prefix(1);
  while (name.ends_with('/')) name.remove_suffix(1);
  return name;
}

std::optional<RequestFault> differs(std::string detail) { return RequestFault{400, "header-mismatch", std::move(detail)}; }

}  // namespace

std::expected<Envelope, http::Response> open_envelope(const http::Request& request) {
  Envelope out;
  out.extended = request.method == "M-POST";
  if (request.method != "POST" && !out.extended) {
    http::Response response = plain(405, "CIM operations are sent with POST or M-POST");
    response.set("Allow", "POST, M-POST");
    return std::unexpected(std::move(response));
  }
  if (out.extended) {
    auto prefix = prefix_in(request);
    if (!prefix) return std::unexpected(plain(510, "M-POST needs Man: " + std::string(mapping) + " ; ns=NN"));
    out.prefix = *std::move(prefix);
  }
  if (auto fault = content_fault(request)) return std::unexpected(*std::move(fault));
  const std::string* operation = request.field(out.prefix + "CIMOperation");
  if (!operation || !same_name(trimmed(*operation), "MethodCall")) return std::unexpected(fault_response({400, "unsupported-operation", "CIMOperation is to be MethodCall"}));
  if (const std::string* version = request.field(out.prefix + "CIMProtocolVersion"); version && !trimmed(*version).starts_with("1."))
    return std::unexpected(fault_response({501, "unsupported-protocol-version", "version 1 of the protocol is spoken here"}));
  out.batch = request.field(out.prefix + "CIMBatch") != nullptr;
  out.method = decoded(request.field(out.prefix + "CIMMethod"));
  out.object = decoded(request.field(out.prefix + "CIMObject"));
  if (out.batch && (out.method || out.object)) return std::unexpected(fault_response({400, "header-mismatch", "CIMBatch goes without CIMMethod and CIMObject"}));
  if (!out.batch && (!out.method || !out.object)) return std::unexpected(fault_response({400, "header-mismatch", "CIMMethod and CIMObject are missing"}));
  return out;
}

std::optional<RequestFault> mismatch(const Envelope& envelope, const RawMessage& message) {
  if (envelope.batch != message.multiple) return differs(envelope.batch ? "CIMBatch stands over a single request" : "several requests need CIMBatch");
  if (message.multiple) return std::nullopt;
  const RawCall& call = message.calls.front();
  if (!same_name(*envelope.method, call.name)) return differs("CIMMethod is not the operation of the message");
  auto [name_space, class_name] = split_object(*envelope.object);
  if (!same_name(without_slashes(name_space), without_slashes(call.name_space))) return differs("CIMObject is not the name space of the message");
  if (!call.intrinsic && !same_name(class_name, call.object.class_name)) return differs("CIMObject is not the object of the message");
  return std::nullopt;
}

http::Response fault_response(const RequestFault& fault) {
  http::Response response = plain(fault.status, fault.cim_error + ": " + fault.detail);
  response.set("CIMError", fault.cim_error);
  return response;
}

void address_answer(http::Response& response, const Envelope& envelope) {
  response.set("Content-Type", "application/xml; charset=\"utf-8\"");
  response.set(envelope.prefix + "CIMOperation", "MethodResponse");
  if (!envelope.extended) return;
  response.set("Ext", "");
  response.set("Cache-Control", "no-cache");
  std::string ns = envelope.prefix.empty() ? "" : " ; ns=" + envelope.prefix.substr(0, envelope.prefix.size() - 1);
  response.set("Man", std::string(mapping) + ns);
}

}  // namespace lockstep::cim
