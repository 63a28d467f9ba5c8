// For tests of cim: a small system whose instances are what the test says, requests as a client would send them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cim/cim.h"
#include "manage/manage_testing.h"

namespace lockstep::cim::testing {

using os::sim::must;

// Of `class_name`, with these properties as text; the rest is NULL. A reference is "Class=ObjectId".
inline Instance make(std::string_view class_name, std::vector<std::pair<std::string, std::string>> properties) {
  const Class* cls = find_class(class_name);
  CHECK(cls != nullptr);
  Instance out;
  out.class_name = std::string(cls->name);
  for (const Property* property : properties_of(*cls)) {
    NamedValue value{std::string(property->name), property->type, property->is_array, Value()};
    for (const auto& [name, text] : properties) {
      if (!same_name(name, property->name)) continue;
      auto scalar = [&](const std::string& t) -> Scalar {
        if (property->type == Type::reference) {
          Instance far = make(t.substr(0, t.find('=')), {{"ObjectId", t.substr(t.find('=') + 1)}});
          return Scalar(std::make_shared<const ObjectPath>(path_of(far)));
        }
        if (property->type == Type::boolean) return Scalar(t == "TRUE");
        if (property->type >= Type::uint8 && property->type <= Type::uint64) return Scalar(std::uint64_t{std::stoull(t)});
        if (property->type == Type::datetime) return Scalar(DateTime{t});
        return Scalar(t);
      };
      if (property->is_array) value.value = Value(Value::Array{scalar(text)});
      else value.value = Value(scalar(text));
    }
    out.properties.push_back(std::move(value));
  }
  return out;
}

class TestProvider final : public Provider {
 public:
  std::vector<Instance> all;                    // what a look shows
  std::vector<std::string> invoked;             // "user method param=value ..."
  MethodAnswer answer;
  std::vector<std::string> modified, removed;

  rt::Task<std::shared_ptr<const Repository>> look() override {
    ++looks;
    co_return std::make_shared<const Snapshot>(all);
  }
  rt::Task<CimAnswer<MethodAnswer>> invoke(manage::Caller caller, ObjectPath object, std::string method, std::vector<NamedValue> in) override {
    std::string text = caller.user + " " + object.class_name + " " + method;
    for (const NamedValue& value : in) {
      if (value.value.is_null()) continue;
      const Scalar* scalar = value.value.scalar();
      text += " " + value.name + "=";
      if (!scalar) text += "[" + std::to_string(value.value.array()->size()) + "]";
      else if (const auto* number = std::get_if<std::uint64_t>(scalar)) text += std::to_string(*number);
      else if (const auto* words = std::get_if<std::string>(scalar)) text += *words;
      else if (const auto* path = std::get_if<std::shared_ptr<const ObjectPath>>(scalar)) text += (*path)->class_name;
      else if (const auto* inside = std::get_if<std::shared_ptr<const Instance>>(scalar)) text += "{" + (*inside)->class_name + "}";
    }
    invoked.push_back(std::move(text));
    co_return answer;
  }
  rt::Task<CimAnswer<>> modify(manage::Caller, ObjectPath path, Instance, std::optional<std::vector<std::string>> properties) override {
    std::string text = path.class_name;
    for (const std::string& name : *properties) text += " " + name;
    modified.push_back(std::move(text));
    co_return CimAnswer<>{};
  }
  rt::Task<CimAnswer<>> remove(manage::Caller, ObjectPath path) override {
    removed.push_back(path.class_name);
    co_return CimAnswer<>{};
  }
  int looks = 0;

 private:
  class Snapshot final : public Repository {
   public:
    explicit Snapshot(std::vector<Instance> all) : all_(std::move(all)) {}
    void instances(std::string_view class_name, const Emit& emit) const override {
      for (const Instance& one : all_)
        if (same_name(one.class_name, class_name) && !emit(one)) return;
    }
    std::optional<Instance> find(const ObjectPath& path) const override {
      for (const Instance& one : all_)
        if (same_name(one.class_name, path.class_name) && same_keys(path_of(one), path)) return one;
      return std::nullopt;
    }
    void references(const ObjectPath& object, std::string_view association, const Emit& emit) const override {
      for (const Instance& one : all_) {
        if (!same_name(one.class_name, association)) continue;
        bool named = false;
        for (const NamedValue& value : one.properties) {
          const Scalar* scalar = value.value.scalar();
          const auto* path = scalar ? std::get_if<std::shared_ptr<const ObjectPath>>(scalar) : nullptr;
          named = named || (path && same_name((*path)->class_name, object.class_name) && same_keys(**path, object));
        }
        if (named && !emit(one)) return;
      }
    }

   private:
    static bool same_keys(const ObjectPath& a, const ObjectPath& b) {
      for (std::size_t i = 0; i < a.keys.size(); ++i) {
        const auto* x = std::get_if<std::string>(a.keys[i].value.scalar());
        const auto* y = std::get_if<std::string>(b.keys[i].value.scalar());
        if (x && y && *x != *y) return false;
      }
      return true;
    }
    std::vector<Instance> all_;
  };
};

// IPARAMVALUE and PARAMVALUE out of short texts.
inline std::string value_of(const std::string& name, const std::string& text) { return "<IPARAMVALUE NAME=\"" + name + "\"><VALUE>" + text + "</VALUE></IPARAMVALUE>"; }
inline std::string class_of(const std::string& name, const std::string& class_name) { return "<IPARAMVALUE NAME=\"" + name + "\"><CLASSNAME NAME=\"" + class_name + "\"/></IPARAMVALUE>"; }
inline std::string id_of(const std::string& class_name, const std::string& object_id) {
  return "<INSTANCENAME CLASSNAME=\"" + class_name + "\"><KEYBINDING NAME=\"ObjectId\"><KEYVALUE VALUETYPE=\"string\">" + object_id + "</KEYVALUE></KEYBINDING></INSTANCENAME>";
}
inline std::string path_param(const std::string& name, const std::string& class_name, const std::string& object_id) { return "<IPARAMVALUE NAME=\"" + name + "\">" + id_of(class_name, object_id) + "</IPARAMVALUE>"; }
inline std::string list_of(const std::string& name, const std::vector<std::string>& items) {
  std::string out = "<IPARAMVALUE NAME=\"" + name + "\"><VALUE.ARRAY>";
  for (const std::string& item : items) out += "<VALUE>" + item + "</VALUE>";
  return out + "</VALUE.ARRAY></IPARAMVALUE>";
}
inline std::string name_space_xml(std::string_view name_space) {
  std::string out = "<LOCALNAMESPACEPATH>";
  while (!name_space.empty()) {
    std::size_t end = std::min(name_space.find('/'), name_space.size());
    out += "<NAMESPACE NAME=\"" + std::string(name_space.substr(0, end)) + "\"/>";
    name_space.remove_prefix(std::min(end + 1, name_space.size()));
  }
  return out + "</LOCALNAMESPACEPATH>";
}
inline std::string simple_request(const std::string& operation, std::string_view name_space, const std::string& parameters) {
  return "<SIMPLEREQ><IMETHODCALL NAME=\"" + operation + "\">" + name_space_xml(name_space) + parameters + "</IMETHODCALL></SIMPLEREQ>";
}
inline std::string message_of(const std::string& request) {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?><CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"7\" PROTOCOLVERSION=\"1.0\">" + request + "</MESSAGE></CIM>";
}

struct Got {
  unsigned status = 0;
  std::string body;            // pieces put together
  std::vector<http::Field> fields;
  std::size_t pieces = 0;
  std::size_t biggest = 0;     // piece

  [[nodiscard]] std::string field(std::string_view name) const {
    for (const http::Field& f : fields)
      if (http::equal_ignoring_case(f.name, name)) return f.value;
    return "";
  }
  // The number of the CIM error; 0 when there is none.
  [[nodiscard]] unsigned error() const {
    std::size_t at = body.find("<ERROR CODE=\"");
    return at == std::string::npos ? 0 : static_cast<unsigned>(std::stoul(body.substr(at + 13)));
  }
  [[nodiscard]] std::size_t count(std::string_view text) const {
    std::size_t n = 0;
    for (std::size_t at = body.find(text); at != std::string::npos; at = body.find(text, at + text.size())) ++n;
    return n;
  }
  [[nodiscard]] bool has(std::string_view text) const { return body.find(text) != std::string::npos; }
  // The value of an output parameter.
  [[nodiscard]] std::string parameter(const std::string& name) const {
    std::size_t at = body.find("<PARAMVALUE NAME=\"" + name + "\"");
    if (at == std::string::npos) return "(none)";
    std::size_t value = body.find("<VALUE>", at);
    std::size_t end = body.find("</PARAMVALUE>", at);
    if (value == std::string::npos || value > end) return "(null)";
    return body.substr(value + 7, body.find("</VALUE>", value) - value - 7);
  }
};

class TestCim : public manage::testing::TestSystem {
 public:
  TestCim() {
    start();
    options_.directory = "/data";
    begin();
  }
  ~TestCim() { end(); }
  void begin() {
    service = std::make_unique<Service>(host, host.loop(), *system, provider, options_);
    must(run(service->start()));
  }
  void end() {
    if (!service) return;
    system->end_waits();
    run(service->stop());
    service.reset();
  }

  http::Request request(const std::string& operation, std::string_view name_space, std::string body) {
    http::Request r;
    r.method = "POST";
    r.path = r.target = "/cimom";
    r.uid = 0;
    r.fields = {{"Host", "sys:5989"}, {"Content-Type", "application/xml; charset=\"utf-8\""}, {"CIMOperation", "MethodCall"}, {"CIMMethod", operation}, {"CIMObject", std::string(name_space)}};
    r.body = std::move(body);
    return r;
  }
  Got send(http::Request r) {
    http::Response response = run(service->handle(std::move(r)));
    Got got;
    got.status = response.status;
    got.fields = std::move(response.fields);
    got.body = std::move(response.body);
    rt::Stop never;
    while (response.pieces) {
      std::optional<std::string> piece = run(response.pieces->next(never));
      if (!piece) break;
      ++got.pieces;
      got.biggest = std::max(got.biggest, piece->size());
      got.body += *piece;
    }
    return got;
  }
  Got ask(const std::string& operation, std::string_view name_space, const std::string& parameters) {
    return send(request(operation, name_space, message_of(simple_request(operation, name_space, parameters))));
  }
  Got sm(const std::string& operation, const std::string& parameters) { return ask(operation, storage_name_space, parameters); }
  Got interop(const std::string& operation, const std::string& parameters) { return ask(operation, interop_name_space, parameters); }

  // System s, pool p, volumes v0 ... in it.
  void populate(std::size_t volumes) {
    provider.all.push_back(make("MSFT_SMSystem", {{"ObjectId", "s"}, {"HealthStatus", "0"}}));
    provider.all.push_back(make("MSFT_SMPool", {{"ObjectId", "p"}, {"Name", "pool"}}));
    provider.all.push_back(make("MSFT_SMSystemToPool", {{"Parent", "MSFT_SMSystem=s"}, {"Child", "MSFT_SMPool=p"}}));
    for (std::size_t i = 0; i < volumes; ++i) {
      std::string id = "v" + std::to_string(i);
      provider.all.push_back(make("MSFT_SMStorageVolume", {{"ObjectId", id}, {"Name", "volume <" + std::to_string(i) + ">"}, {"HealthStatus", std::to_string(i % 2)}}));
      provider.all.push_back(make("MSFT_SMPoolToVolume", {{"Parent", "MSFT_SMPool=p"}, {"Child", "MSFT_SMStorageVolume=" + id}}));
    }
  }

  Options options_;
  TestProvider provider;
  std::unique_ptr<Service> service;
};

}  // namespace lockstep::cim::testing
