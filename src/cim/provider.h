// What stands behind the classes: instances that live in manage, and methods that call it. Wire formats end above.
#pragma once

#include <expected>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cim/value.h"
#include "manage/manage.h"
#include "rt/rt.h"

namespace lockstep::cim {

// CIM_ERR_...: the numbers of DSP0200.
enum class Status : std::uint32_t {
  failed = 1, access_denied = 2, invalid_namespace = 3, invalid_parameter = 4, invalid_class = 5, not_found = 6, not_supported = 7,
  class_has_children = 8, class_has_instances = 9, invalid_superclass = 10, already_exists = 11, no_such_property = 12, type_mismatch = 13,
  query_language_not_supported = 14, invalid_query = 15, method_not_available = 16, method_not_found = 17, namespace_not_empty = 20,
  invalid_enumeration_context = 21, invalid_operation_timeout = 22, pull_has_been_abandoned = 23, pull_cannot_be_abandoned = 24,
  filtered_enumeration_not_supported = 25, continuation_on_error_not_supported = 26, server_limits_exceeded = 27, server_is_shutting_down = 28,
};
struct CimError {
  Status status = Status::failed;
  std::string message;
};
template <class T = void>
using CimAnswer = std::expected<T, CimError>;

struct MethodAnswer {
  Value return_value;
  std::vector<NamedValue> out;   // out parameters, in the order of the method
};

// Handed one frozen look at the system, so that an enumeration and its associations agree.
class Repository {
 public:
  virtual ~Repository() = default;
  // Instances whose own class is `class_name` (not of its subclasses), with every property. `emit` returns false to stop.
  using Emit = std::function<bool(Instance)>;
  virtual void instances(std::string_view class_name, const Emit& emit) const = 0;
  virtual std::optional<Instance> find(const ObjectPath& path) const = 0;
  // Association instances, of class `association` itself, that name `object` in any role: found by index, not by search.
  virtual void references(const ObjectPath& object, std::string_view association, const Emit& emit) const = 0;

  // The same from the one numbered `first` (from 0) on, in the same order: what is too much to hold is read in batches.
  // Worth overriding where passing over is cheaper than making.
  virtual void instances_from(std::string_view class_name, std::size_t first, const Emit& emit) const {
    std::size_t at = 0;
    instances(class_name, [&](Instance instance) { return at++ < first || emit(std::move(instance)); });
  }
  virtual void references_from(const ObjectPath& object, std::string_view association, std::size_t first, const Emit& emit) const {
    std::size_t at = 0;
    references(object, association, [&](Instance instance) { return at++ < first || emit(std::move(instance)); });
  }
};

class Provider {
 public:
  virtual ~Provider() = default;
  // Takes the look; costs what the system holds. Of a burst of requests, those between which nothing changed share one, for `fresh_for` at most.
  virtual rt::Task<std::shared_ptr<const Repository>> look() = 0;
  virtual rt::Task<CimAnswer<MethodAnswer>> invoke(manage::Caller caller, ObjectPath object, std::string method, std::vector<NamedValue> in) = 0;
  virtual rt::Task<CimAnswer<>> modify(manage::Caller caller, ObjectPath path, Instance instance, std::optional<std::vector<std::string>> properties) = 0;
  virtual rt::Task<CimAnswer<>> remove(manage::Caller caller, ObjectPath path) = 0;
};

[[nodiscard]] ObjectPath path_of(const Instance& instance);   // by the Key properties of its class

struct ProviderOptions {
  std::string version;                         // of the program
  std::vector<std::string> service_uris;       // where this server is reached: "https://host:5989"
  std::vector<os::Address> nbd;                // where volumes are exported
  Duration jobs_kept = std::chrono::minutes(5); // as the system was told
  Duration fresh_for = std::chrono::milliseconds(200);
};
// The one over manage. `system` must outlive it. An object that is gone is answered by the method itself: return value 8 and why.
[[nodiscard]] std::unique_ptr<Provider> make_provider(manage::System& system, rt::Loop& loop, ProviderOptions options);

}  // namespace lockstep::cim
