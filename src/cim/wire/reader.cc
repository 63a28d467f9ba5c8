#include "cim/wire/reader.h"

#include <pugixml.hpp>

#include "cim/wire/elements.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

using pugi::xml_node;
using xml::Fault;

struct Versions {
  std::string_view cim, dtd, protocol;
};

bool is_version(std::string_view text, char major) { return text.size() >= 2 && text[0] == major && text[1] == '.'; }

std::unexpected<RequestFault> not_valid(std::string detail) { return std::unexpected(RequestFault{400, "request-not-valid", std::move(detail)}); }

std::expected<RawCall, Fault> read_call(xml_node request) {
  xml_node call;
  for (xml_node child : xml::children(request)) {
    std::string_view name = child.name();
    if (name == "CORRELATOR") continue;
    if (call || (name != "IMETHODCALL" && name != "METHODCALL")) return std::unexpected(Fault{"SIMPLEREQ is to hold one IMETHODCALL or METHODCALL"});
    call = child;
  }
  if (!call) return std::unexpected(Fault{"SIMPLEREQ is to hold one IMETHODCALL or METHODCALL"});
  return xml::read_call(call);
}

std::expected<RawMessage, RequestFault> read_calls(xml_node message, const ReadLimits& limits) {
  RawMessage out;
  out.id = message.attribute("ID").value();
  auto parts = xml::children(message);
  if (parts.size() != 1) return not_valid("MESSAGE is to hold one request");
  xml_node request = parts.front();
  std::string_view kind = request.name();
  out.multiple = kind == "MULTIREQ";
  std::vector<xml_node> simple;
  if (kind == "SIMPLEREQ") simple.push_back(request);
  else if (out.multiple) simple = xml::children(request);
  else return not_valid("MESSAGE holds " + std::string(kind.substr(0, 64)) + ", not a request for an operation");
  if (out.multiple && simple.size() < 2) return not_valid("MULTIREQ is to hold two or more SIMPLEREQ");
  if (simple.size() > limits.calls_most) return not_valid("MULTIREQ holds more than " + std::to_string(limits.calls_most) + " requests");
  for (xml_node one : simple) {
    if (std::string_view(one.name()) != "SIMPLEREQ") return not_valid("MULTIREQ is to hold SIMPLEREQ only");
    auto call = read_call(one);
    if (!call) return std::unexpected(RequestFault{400, "request-not-loosely-valid", std::move(call.error().what)});
    out.calls.push_back(*std::move(call));
  }
  return out;
}

// The one element of a text that passed the scan.
std::expected<xml_node, std::string> parse(pugi::xml_document& document, std::string_view text, const ScanLimits& limits) {
  if (auto fault = fault_in_xml(text, limits)) return std::unexpected(*std::move(fault));
  constexpr unsigned how = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_wconv_attribute | pugi::parse_ws_pcdata_single;
  pugi::xml_parse_result parsed = document.load_buffer(text.data(), text.size(), how, pugi::encoding_utf8);
  if (!parsed) return std::unexpected(std::string(parsed.description()) + " at byte " + std::to_string(parsed.offset));
  return document.document_element();
}

void gather(xml_node below, std::vector<xml_node>& found) {
  for (xml_node child : below.children()) {
    std::string_view name = child.name();
    if (name == "INSTANCE") found.push_back(child);
    else if (name == "VALUE.NAMEDINSTANCE" || name == "MESSAGE" || name == "SIMPLEEXPREQ" || name == "EXPMETHODCALL" || name == "EXPPARAMVALUE") gather(child, found);
  }
}

}  // namespace

std::expected<RawMessage, RequestFault> read_message(std::string_view text, const ReadLimits& limits) {
  pugi::xml_document document;
  auto root = parse(document, text, limits.xml);
  if (!root) return std::unexpected(RequestFault{400, "request-not-well-formed", std::move(root.error())});
  if (std::string_view(root->name()) != "CIM") return not_valid("the element is not CIM");
  if (!is_version(root->attribute("CIMVERSION").value(), '2')) return std::unexpected(RequestFault{501, "unsupported-cim-version", "CIM 2 is spoken here"});
  if (!is_version(root->attribute("DTDVERSION").value(), '2')) return std::unexpected(RequestFault{501, "unsupported-dtd-version", "version 2 of the DTD is spoken here"});
  auto parts = xml::children(*root);
  if (parts.size() != 1 || std::string_view(parts.front().name()) != "MESSAGE") return not_valid("CIM is to hold one MESSAGE");
  xml_node message = parts.front();
  if (!message.attribute("ID")) return not_valid("MESSAGE has no ID");
  if (std::string_view(message.attribute("ID").value()).size() > 256) return not_valid("the ID of MESSAGE is too long");
  if (!is_version(message.attribute("PROTOCOLVERSION").value(), '1')) return std::unexpected(RequestFault{501, "unsupported-protocol-version", "version 1 of the protocol is spoken here"});
  return read_calls(message, limits);
}

std::expected<RawInstance, std::string> read_instance(std::string_view text, const ScanLimits& limits) {
  pugi::xml_document document;
  auto root = parse(document, text, limits);
  if (!root) return std::unexpected(std::move(root.error()));
  if (std::string_view(root->name()) != "INSTANCE") return std::unexpected("the element is not INSTANCE");
  auto instance = xml::read_instance(*root);
  if (!instance) return std::unexpected(std::move(instance.error().what));
  return *std::move(instance);
}

std::expected<std::vector<RawInstance>, std::string> read_instances(std::string_view text, const ScanLimits& limits) {
  pugi::xml_document document;
  auto root = parse(document, text, limits);
  if (!root) return std::unexpected(std::move(root.error()));
  std::vector<xml_node> found;
  gather(*root, found);
  std::vector<RawInstance> out;
  for (xml_node node : found) {
    auto instance = xml::read_instance(node);
    if (!instance) return std::unexpected(std::move(instance.error().what));
    out.push_back(*std::move(instance));
  }
  return out;
}

}  // namespace lockstep::cim
