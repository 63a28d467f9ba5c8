#include "cim/indications/compare.h"

#include <utility>

#include "cim/indications/subscriptions.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

constexpr std::uint64_t information = 2;

// Classes that every instance which fulfils the condition is of; empty: it does not say.
std::vector<std::string> classes_in(const Condition& condition) {
  if (condition.kind == Condition::Kind::is_a) return {condition.text};
  std::vector<std::string> out;
  if (condition.kind == Condition::Kind::both) {
    for (const Condition& part : condition.parts)
      if (out.empty()) out = classes_in(part);
  } else if (condition.kind == Condition::Kind::either) {
    for (const Condition& part : condition.parts) {
      std::vector<std::string> some = classes_in(part);
      if (some.empty()) return {};
      out.insert(out.end(), some.begin(), some.end());
    }
  }
  return out;
}

bool same_scalar(const Scalar& a, const Scalar& b) {
  if (a.index() != b.index()) return false;
  if (const auto* path = std::get_if<std::shared_ptr<const ObjectPath>>(&a)) {
    const auto& other = std::get<std::shared_ptr<const ObjectPath>>(b);
    return (!*path && !other) || (*path && other && key_of(**path) == key_of(*other));
  }
  if (const auto* instance = std::get_if<std::shared_ptr<const Instance>>(&a)) {
    const auto& other = std::get<std::shared_ptr<const Instance>>(b);
    if (!*instance || !other) return !*instance && !other;
    if ((*instance)->properties.size() != other->properties.size()) return false;
    for (std::size_t i = 0; i < other->properties.size(); ++i)
      if (!same_value((*instance)->properties[i].value, other->properties[i].value)) return false;
    return (*instance)->class_name == other->class_name;
  }
  return text_of(a) == text_of(b);
}

bool same_instance(const Instance& a, const Instance& b) {
  if (a.properties.size() != b.properties.size()) return false;
  for (std::size_t i = 0; i < a.properties.size(); ++i)
    if (!same_value(a.properties[i].value, b.properties[i].value)) return false;
  return true;
}

std::string model_path(const Instance& instance) {
  std::string out = instance.class_name + ".";
  bool first = true;
  for (const NamedValue& key : path_of(instance).keys) {
    const Scalar* scalar = key.value.scalar();
    out += (std::exchange(first, false) ? "" : ",") + key.name + "=\"" + (scalar ? text_of(*scalar) : "") + "\"";
  }
  return out;
}

// What the model tells of its own objects, beside CIM's general indications.
std::optional<Instance> storage_event(const Change& change, const Instance& source, const Moment& moment) {
  const Class* cls = find_class(source.class_name);
  if (!cls || !is_a(*cls, "MSFT_SMStorageObject")) return std::nullopt;
  bool arrived = !change.before, left = !change.after;
  Instance event = blank_indication(arrived ? "MSFT_SMStorageArrivalEvent" : left ? "MSFT_SMStorageDepartureEvent" : "MSFT_SMStorageModificationEvent", moment);
  set_property(event, "SourceInstance", Value(Scalar(change.after ? change.after : change.before)));
  set_property(event, "SourceClassName", Value(Scalar(source.class_name)));
  set_property(event, "Description", Value(Scalar(source.class_name + (arrived ? " is there" : left ? " is gone" : " changed"))));
  return event;
}

std::optional<Instance> health_event(const Change& change, const Moment& moment) {
  if (!change.before || !change.after || !same_name(change.after->class_name, "MSFT_SMSystem")) return std::nullopt;
  const NamedValue* was = change.before->find("HealthStatus");
  const NamedValue* is = change.after->find("HealthStatus");
  if (!was || !is || same_value(was->value, is->value)) return std::nullopt;
  Instance event = blank_indication("MSFT_SMStorageHealthStatusChangeEvent", moment);
  set_property(event, "SourceInstance", Value(Scalar(change.after)));
  set_property(event, "SourceClassName", Value(Scalar(change.after->class_name)));
  set_property(event, "StorageSystem", Value(Scalar(change.after)));
  set_property(event, "PreviousHealthStatus", was->value);
  set_property(event, "CurrentHealthStatus", is->value);
  set_property(event, "Description", Value(Scalar(std::string("the system's health changed"))));
  return event;
}

}  // namespace

bool same_value(const Value& a, const Value& b) {
  if (a.held.index() != b.held.index()) return false;
  if (const Scalar* scalar = a.scalar()) return same_scalar(*scalar, *b.scalar());
  const Value::Array* one = a.array();
  const Value::Array* other = b.array();
  if (!one) return true;
  if (one->size() != other->size()) return false;
  for (std::size_t i = 0; i < one->size(); ++i) {
    const Scalar* x = std::get_if<Scalar>(&(*one)[i]);
    const Scalar* y = std::get_if<Scalar>(&(*other)[i]);
    if ((!x) != (!y) || (x && !same_scalar(*x, *y))) return false;
  }
  return true;
}

std::set<const Class*> watched_by(const Query& filter) {
  std::vector<std::string> ancestors;
  const Class* from = find_class(filter.from);
  if (from && is_a(*from, "MSFT_SMStorageHealthStatusChangeEvent")) ancestors = {"MSFT_SMSystem"};
  else if (from && is_a(*from, "MSFT_SMStorageFaultEvent")) ancestors = {"MSFT_SMReplicationGroup"};
  else if (from && is_a(*from, "MSFT_SMStorageEvent")) ancestors = {"MSFT_SMStorageObject"};
  else if (!filter.where.empty()) ancestors = classes_in(filter.where.front());
  std::set<const Class*> out;
  for (const Class& cls : all_classes()) {
    if (cls.abstract_class || cls.indication || Subscriptions::keeps(cls)) continue;
    bool meant = ancestors.empty();
    for (const std::string& ancestor : ancestors) meant = meant || is_a(cls, ancestor);
    if (meant) out.insert(&cls);
  }
  return out;
}

Seen see(const Repository& look, const std::set<const Class*>& classes) {
  Seen out;
  for (const Class* cls : classes)
    look.instances(cls->name, [&](Instance instance) {
      std::string key = key_of(path_of(instance));
      out.emplace(std::move(key), std::make_shared<const Instance>(std::move(instance)));
      return true;
    });
  return out;
}

std::vector<Change> changes(const Seen& before, const Seen& after) {
  std::vector<Change> out;
  for (const auto& [key, instance] : before)
    if (!after.contains(key)) out.push_back({instance, nullptr});
  for (const auto& [key, instance] : after) {
    auto was = before.find(key);
    if (was == before.end()) out.push_back({nullptr, instance});
    else if (!same_instance(*was->second, *instance)) out.push_back({was->second, instance});
  }
  return out;
}

Instance blank_indication(std::string_view class_name, const Moment& moment) {
  Instance out;
  out.class_name = std::string(class_name);
  if (const Class* cls = find_class(class_name))
    for (const Property* property : properties_of(*cls)) out.properties.push_back({std::string(property->name), property->type, property->is_array, Value()});
  DateTime now{datetime_of(moment.now)};
  set_property(out, "IndicationTime", Value(Scalar(now)));
  set_property(out, "EventTime", Value(Scalar(now)));
  set_property(out, "PerceivedSeverity", Value(Scalar(information)));
  if (!moment.system_object_id.empty()) set_property(out, "StorageSubsystemObjectId", Value(Scalar(moment.system_object_id)));
  return out;
}

void set_property(Instance& instance, std::string_view name, Value value) {
  for (NamedValue& property : instance.properties)
    if (same_name(property.name, name)) property.value = std::move(value);
}

std::vector<Instance> indications_of(const Change& change, const Moment& moment) {
  const Instance& source = change.after ? *change.after : *change.before;
  std::vector<Instance> out;
  out.push_back(blank_indication(!change.before ? "CIM_InstCreation" : !change.after ? "CIM_InstDeletion" : "CIM_InstModification", moment));
  set_property(out.back(), "SourceInstance", Value(Scalar(change.after ? change.after : change.before)));
  set_property(out.back(), "SourceInstanceModelPath", Value(Scalar(model_path(source))));
  set_property(out.back(), "SourceInstanceHost", Value(Scalar(moment.host)));
  if (change.before && change.after) set_property(out.back(), "PreviousInstance", Value(Scalar(change.before)));
  if (auto event = storage_event(change, source, moment)) out.push_back(*std::move(event));
  if (auto event = health_event(change, moment)) out.push_back(*std::move(event));
  return out;
}

}  // namespace lockstep::cim
