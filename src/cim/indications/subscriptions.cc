#include "cim/indications/subscriptions.h"

#include <array>
#include <cstdio>
#include <utility>

#include "cim/indications/joined.h"
#include "cim/indications/kept.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

constexpr std::uint64_t enabled = 2, disabled = 4;
constexpr std::uint64_t on_failure_ignore = 2, on_failure_disable = 3, on_failure_remove = 4;

NamedValue* property_of(Instance& instance, std::string_view name) { return const_cast<NamedValue*>(std::as_const(instance).find(name)); }

void set(Instance& instance, std::string_view name, Value value) {
  if (NamedValue* property = property_of(instance, name)) property->value = std::move(value);
}
void set_if_null(Instance& instance, std::string_view name, Value value) {
  if (NamedValue* property = property_of(instance, name); property && property->value.is_null()) property->value = std::move(value);
}

std::string text_in(const Instance& instance, std::string_view name) {
  const NamedValue* property = instance.find(name);
  const Scalar* scalar = property ? property->value.scalar() : nullptr;
  return scalar ? text_of(*scalar) : std::string();
}

std::uint64_t number_in(const Instance& instance, std::string_view name) {
  const NamedValue* property = instance.find(name);
  const Scalar* scalar = property ? property->value.scalar() : nullptr;
  const auto* number = scalar ? std::get_if<std::uint64_t>(scalar) : nullptr;
  return number ? *number : 0;
}

std::string reference_in(const Instance& instance, std::string_view name) {
  const NamedValue* property = instance.find(name);
  const Scalar* scalar = property ? property->value.scalar() : nullptr;
  const auto* path = scalar ? std::get_if<std::shared_ptr<const ObjectPath>>(scalar) : nullptr;
  return path && *path ? key_of(**path) : std::string();
}

bool is_kind(const Instance& instance, std::string_view ancestor) {
  const Class* cls = find_class(instance.class_name);
  return cls && is_a(*cls, ancestor);
}

CimAnswer<Query> query_in(const Instance& filter) {
  std::string language = text_in(filter, "QueryLanguage");
  std::optional<Language> known = parse_language(language);
  if (!known || *known == Language::fql) return cim_error(Status::query_language_not_supported, "QueryLanguage: '" + language.substr(0, 64) + "' is not spoken here; WQL and DMTF:CQL are");
  TRY(Query query, parse_query(*known, text_in(filter, "Query")));
  const Class* cls = find_class(query.from);
  if (!cls->indication) return cim_error(Status::invalid_query, "Query: " + query.from + " is no indication");
  return query;
}

}  // namespace

bool Subscriptions::keeps(const Class& cls) { return is_a(cls, "CIM_IndicationFilter") || is_a(cls, "CIM_ListenerDestination") || is_a(cls, "CIM_IndicationSubscription"); }

rt::Task<Result<>> Subscriptions::load() {
  Result<std::vector<Instance>> kept = co_await rt::work(loop_, [this] { return read_kept(host_.files(), path_); });
  if (!kept) co_return fail(kept.error());
  auto instances = std::make_shared<Instances>();
  for (Instance& instance : *kept) {
    std::string key = key_of(path_of(instance));
    instances->insert_or_assign(std::move(key), std::move(instance));
  }
  instances_ = std::move(instances);
  co_return Result<>{};
}

Look Subscriptions::joined(Look system) const { return std::make_shared<const Joined>(std::move(system), instances_); }

// What a client may leave out.
CimAnswer<> Subscriptions::complete(Instance& instance) const {
  if (is_kind(instance, "CIM_IndicationSubscription")) {
    set_if_null(instance, "OnFatalErrorPolicy", Value(Scalar(on_failure_ignore)));
    set_if_null(instance, "SubscriptionState", Value(Scalar(enabled)));
    set_if_null(instance, "RepeatNotificationPolicy", Value(Scalar(std::uint64_t{2})));
    DateTime now{datetime_of(loop_.clock().wall())};
    set(instance, "SubscriptionStartTime", Value(Scalar(now)));
    set(instance, "TimeOfLastStateChange", Value(Scalar(now)));
    return {};
  }
  set_if_null(instance, "SystemCreationClassName", Value(Scalar(std::string("CIM_ComputerSystem"))));
  set_if_null(instance, "SystemName", Value(Scalar(system_name_)));
  set_if_null(instance, "CreationClassName", Value(Scalar(instance.class_name)));
  if (!same_name(text_in(instance, "CreationClassName"), instance.class_name)) return cim_error(Status::invalid_parameter, "CreationClassName: it is '" + instance.class_name + "'");
  if (text_in(instance, "Name").empty()) {
    std::array<char, 24> name{};
    std::snprintf(name.data(), name.size(), "%016llx", static_cast<unsigned long long>(host_.random().u64()));
    set(instance, "Name", Value(Scalar(std::string("lockstep:") + name.data())));
  }
  if (is_kind(instance, "CIM_IndicationFilter") && instance.find("SourceNamespaces") && instance.find("SourceNamespaces")->value.is_null()) {
    Value::Array spaces{Scalar(std::string(storage_name_space)), Scalar(std::string(interop_name_space))};
    set(instance, "SourceNamespaces", Value(std::move(spaces)));
  }
  return {};
}

CimAnswer<> Subscriptions::check(const Instance& instance) const {
  if (is_kind(instance, "CIM_IndicationFilter")) {
    TRY_VOID(query_in(instance));
    return {};
  }
  if (is_kind(instance, "CIM_ListenerDestination")) {
    if (!parse_listener_url(text_in(instance, "Destination"))) return cim_error(Status::invalid_parameter, "Destination: an address as https://host:port/path is wanted");
    if (number_in(instance, "Protocol") != 2) return cim_error(Status::invalid_parameter, "Protocol: only 2, CIM-XML, is offered");
    return {};
  }
  for (auto [role, kind] : {std::pair{"Filter", "CIM_IndicationFilter"}, {"Handler", "CIM_ListenerDestination"}}) {
    auto found = instances_->find(reference_in(instance, role));
    if (found == instances_->end() || !is_kind(found->second, kind)) return cim_error(Status::not_found, std::string(role) + ": there is no such " + kind);
  }
  return {};
}

bool Subscriptions::is_named(const std::string& key) const {
  for (const auto& [own, instance] : *instances_)
    if (is_kind(instance, "CIM_IndicationSubscription") && (reference_in(instance, "Filter") == key || reference_in(instance, "Handler") == key)) return true;
  return false;
}

rt::Task<CimAnswer<>> Subscriptions::keep(Instances instances) {
  std::vector<Instance> list;
  for (const auto& [key, instance] : instances) list.push_back(instance);
  Result<> written = co_await rt::work(loop_, [this, &list] { return write_kept(host_.files(), path_, list); });
  if (!written) co_return cim_error(Status::failed, written.error().message);
  instances_ = std::make_shared<const Instances>(std::move(instances));
  changed_.wake_all();
  co_return CimAnswer<>{};
}

rt::Task<CimAnswer<ObjectPath>> Subscriptions::create(Instance instance) {
  co_await turn_.take(1);
  CimAnswer<> good = complete(instance);
  if (good) good = check(instance);
  ObjectPath path = path_of(instance);
  std::string key = key_of(path);
  if (good && instances_->contains(key)) good = cim_error(Status::already_exists, "there is such an instance of " + instance.class_name);
  if (good && instances_->size() >= instances_most) good = cim_error(Status::failed, "there are " + std::to_string(instances_most) + " filters, destinations and subscriptions; remove some");
  if (good) {
    Instances next = *instances_;
    next.insert_or_assign(std::move(key), std::move(instance));
    good = co_await keep(std::move(next));
  }
  turn_.give(1);
  if (!good) co_return std::unexpected(good.error());
  co_return path;
}

rt::Task<CimAnswer<>> Subscriptions::modify(ObjectPath path, Instance instance, std::vector<std::string> properties) {
  co_await turn_.take(1);
  CimAnswer<> done;
  std::string key = key_of(path);
  auto found = instances_->find(key);
  if (found == instances_->end()) {
    done = cim_error(Status::not_found, "there is no such instance of " + path.class_name);
  } else {
    Instance next = found->second;
    for (const std::string& name : properties) {
      NamedValue* property = property_of(next, name);
      if (find_property(*find_class(next.class_name), name)->key) continue;   // a key names, and does not change
      if (property && instance.find(name)) property->value = instance.find(name)->value;
    }
    if (number_in(next, "SubscriptionState") != number_in(found->second, "SubscriptionState"))
      set(next, "TimeOfLastStateChange", Value(Scalar(DateTime{datetime_of(loop_.clock().wall())})));
    done = check(next);
    if (done) {
      Instances all = *instances_;
      all.insert_or_assign(std::move(key), std::move(next));
      done = co_await keep(std::move(all));
    }
  }
  turn_.give(1);
  co_return done;
}

rt::Task<CimAnswer<>> Subscriptions::remove(ObjectPath path) {
  co_await turn_.take(1);
  CimAnswer<> done;
  std::string key = key_of(path);
  if (!instances_->contains(key)) {
    done = cim_error(Status::not_found, "there is no such instance of " + path.class_name);
  } else if (is_named(key)) {
    done = cim_error(Status::failed, "a subscription names it; delete that first");
  } else {
    Instances next = *instances_;
    next.erase(key);
    done = co_await keep(std::move(next));
  }
  turn_.give(1);
  co_return done;
}

std::vector<Active> Subscriptions::active() const {
  std::vector<Active> out;
  for (const auto& [key, instance] : *instances_) {
    if (!is_kind(instance, "CIM_IndicationSubscription") || number_in(instance, "SubscriptionState") == disabled) continue;
    auto filter = instances_->find(reference_in(instance, "Filter"));
    auto handler = instances_->find(reference_in(instance, "Handler"));
    if (filter == instances_->end() || handler == instances_->end()) continue;
    auto query = query_in(filter->second);
    auto listener = parse_listener_url(text_in(handler->second, "Destination"));
    if (query && listener) out.push_back({key, text_in(filter->second, "Name"), std::make_shared<const Query>(*std::move(query)), handler->first, *std::move(listener)});
  }
  return out;
}

rt::Task<void> Subscriptions::give_up(std::string key) {
  co_await turn_.take(1);
  auto found = instances_->find(key);
  std::uint64_t policy = found == instances_->end() ? 0 : number_in(found->second, "OnFatalErrorPolicy");
  if (policy == on_failure_disable || policy == on_failure_remove) {
    Instances next = *instances_;
    if (policy == on_failure_remove) {
      next.erase(key);
    } else {
      set(next[key], "SubscriptionState", Value(Scalar(disabled)));
      set(next[key], "TimeOfLastStateChange", Value(Scalar(DateTime{datetime_of(loop_.clock().wall())})));
    }
    ignore(co_await keep(std::move(next)), "it is tried again with the next one that cannot be delivered");
  }
  turn_.give(1);
}

rt::Task<void> Subscriptions::drop_expired() {
  co_await turn_.take(1);
  Instances next = *instances_;
  WallTime now = loop_.clock().wall();
  std::erase_if(next, [&](const auto& one) {
    std::uint64_t seconds = number_in(one.second, "SubscriptionDuration");
    const NamedValue* start = one.second.find("SubscriptionStartTime");
    const Scalar* scalar = start ? start->value.scalar() : nullptr;
    const auto* began = scalar ? std::get_if<DateTime>(scalar) : nullptr;
    std::optional<WallTime> from = began ? wall_time_of(*began) : std::nullopt;
    return seconds > 0 && from && (now.us - from->us) / 1'000'000 >= static_cast<std::int64_t>(std::min<std::uint64_t>(seconds, 1ull << 40));
  });
  if (next.size() < instances_->size()) ignore(co_await keep(std::move(next)), "it is tried again the next time");
  turn_.give(1);
}

}  // namespace lockstep::cim
