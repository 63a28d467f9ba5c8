// For tests of instances and methods: the real provider over a system on a simulated host.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cim/model/build.h"
#include "cim/model/ids.h"
#include "cim/provider.h"
#include "manage/manage_testing.h"

namespace lockstep::cim::testing {

class TestModel : public manage::testing::TestSystem {
 public:
  // Pool p with volumes data and log in group db, and a peer b with a pool.
  TestModel() {
    start();
    make_objects();
    make_provider_again();
  }
  void make_provider_again() {
    ProviderOptions o;
    o.version = "1.2.3";
    o.service_uris = {"https://a.example:5989"};
    o.nbd = {os::Address{"10.0.0.1", 10809, ""}, os::Address{"", 0, "/data/nbd.sock"}};
    provider = make_provider(*system, host.loop(), std::move(o));
  }
  SystemId add_peer(std::string name, Bytes free = 1_GiB) {
    replica::PeerReport report;
    report.peer.id = host.random().id<SystemId>();
    report.peer.name = std::move(name);
    report.peer.addresses = {os::Address{"10.0.0.2", 3260, ""}};
    report.reachable = true;
    engine->known_peers.push_back(report);
    replica::Engine::RemotePool pool;
    pool.id = host.random().id<PoolId>();
    pool.name = "p";
    pool.free = free;
    engine->remote_pools[report.peer.id] = {pool};
    return report.peer.id;
  }

  std::shared_ptr<const Repository> look() {
    pass(std::chrono::seconds(1));   // what was seen before is old
    return run(provider->look());
  }
  std::vector<Instance> all(std::string_view class_name) {
    std::vector<Instance> out;
    look()->instances(class_name, [&](Instance instance) {
      out.push_back(std::move(instance));
      return true;
    });
    return out;
  }
  Instance only(std::string_view class_name) {
    std::vector<Instance> found = all(class_name);
    CHECK(found.size() == 1);
    return found.front();
  }
  std::vector<Instance> references(const ObjectPath& object, std::string_view association) {
    std::vector<Instance> out;
    look()->references(object, association, [&](Instance instance) {
      out.push_back(std::move(instance));
      return true;
    });
    return out;
  }
  // The instance whose property has that text.
  Instance with(std::string_view class_name, std::string_view property, const std::string& text) {
    for (Instance& instance : all(class_name))
      if (show(instance, property) == text) return std::move(instance);
    CHECK(!"no such instance");
    return {};
  }
  ObjectPath path(std::string_view class_name, std::string_view property, const std::string& text) { return path_of(with(class_name, property, text)); }
  ObjectPath group() { return path("MSFT_SMReplicationGroup", "DisplayName", "db"); }
  ObjectPath volume(const std::string& name) { return path("MSFT_SMStorageVolume", "DisplayName", name); }
  ObjectPath pool(const std::string& name) { return path("MSFT_SMPool", "Name", name); }
  ObjectPath this_system() { return path("MSFT_SMSystem", "DisplayName", "a"); }

  // A value as text: "NULL", "4", "TRUE", words, "[2,6]", "Class=ObjectId", "{Class}".
  static std::string show(const Value& value) {
    if (value.is_null()) return "NULL";
    if (const Scalar* scalar = value.scalar()) return show(*scalar);
    std::string out;
    for (const Value::Element& element : *value.array()) {
      const Scalar* scalar = std::get_if<Scalar>(&element);
      out += (out.empty() ? "" : ",") + (scalar ? show(*scalar) : "NULL");
    }
    return "[" + out + "]";
  }
  static std::string show(const ObjectPath& path) {
    std::string out = path.class_name + "=";
    for (const NamedValue& key : path.keys) out += (out.ends_with('=') ? "" : ",") + show(key.value);
    return out;
  }
  static std::string show(const Scalar& scalar) {
    if (const auto* v = std::get_if<bool>(&scalar)) return *v ? "TRUE" : "FALSE";
    if (const auto* v = std::get_if<std::uint64_t>(&scalar)) return std::to_string(*v);
    if (const auto* v = std::get_if<std::string>(&scalar)) return *v;
    if (const auto* v = std::get_if<DateTime>(&scalar)) return v->text;
    if (const auto* v = std::get_if<std::shared_ptr<const ObjectPath>>(&scalar)) return show(**v);
    if (const auto* v = std::get_if<std::shared_ptr<const Instance>>(&scalar)) return "{" + (*v)->class_name + "}";
    return "?";
  }
  static std::string show(const Instance& instance, std::string_view property) {
    const NamedValue* value = instance.find(property);
    return value ? show(value->value) : "no such property";
  }
  static const ObjectPath& end(const Instance& association, std::string_view role) { return *std::get<std::shared_ptr<const ObjectPath>>(*association.find(role)->value.scalar()); }

  struct Got {
    std::uint64_t code = 0;
    std::map<std::string, Value> out;
    std::string parameter, message, next_step;   // of ExtendedStatus
    std::optional<CimError> error;
    [[nodiscard]] std::string show(const std::string& name) const { return TestModel::show(out.at(name)); }
    [[nodiscard]] const ObjectPath& path(const std::string& name) const { return *std::get<std::shared_ptr<const ObjectPath>>(*out.at(name).scalar()); }
  };
  using In = std::vector<std::pair<std::string, Value>>;
  // As the wire does it: every input is there, in the order of the schema.
  Got call(const ObjectPath& object, const std::string& method, In in = {}, manage::Caller caller = admin()) {
    const Method* declared = find_method(*find_class(object.class_name), method);
    CHECK(declared != nullptr);
    std::vector<NamedValue> values;
    for (const Parameter& parameter : declared->parameters) {
      if (!parameter.in) continue;
      NamedValue value{std::string(parameter.name), parameter.type, parameter.is_array, Value()};
      for (auto& [name, given] : in)
        if (name == parameter.name) value.value = given;
      values.push_back(std::move(value));
    }
    for (const auto& [name, given] : in) CHECK(std::ranges::any_of(values, [&](const NamedValue& v) { return v.name == name; }));
    CimAnswer<MethodAnswer> answer = run(provider->invoke(std::move(caller), object, method, std::move(values)));
    Got got;
    if (!answer) {
      got.error = answer.error();
      return got;
    }
    got.code = std::get<std::uint64_t>(*answer->return_value.scalar());
    for (NamedValue& value : answer->out) got.out[value.name] = value.value;
    if (auto status = got.out.find("ExtendedStatus"); status != got.out.end() && !status->second.is_null()) {
      const Instance& inside = *std::get<std::shared_ptr<const Instance>>(*status->second.scalar());
      got.parameter = show(inside, "ParameterInfo");
      got.message = show(inside, "SMMessage");
      got.next_step = show(inside, "SMDetails");
      CHECK(show(inside, "SMErrorCode") == std::to_string(got.code));
    }
    return got;
  }
  static Value ref(const ObjectPath& path) { return model::reference(path); }
  static Value refs(const std::vector<ObjectPath>& paths) {
    Value::Array out;
    for (const ObjectPath& path : paths) out.emplace_back(Scalar(std::make_shared<const ObjectPath>(path)));
    return Value(std::move(out));
  }

  std::unique_ptr<Provider> provider;
};

}  // namespace lockstep::cim::testing
