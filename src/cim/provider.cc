// The provider over manage: looks, methods, and the few instances that can be changed or deleted as such.
#include "cim/provider.h"

#include "cim/methods/resolve.h"
#include "cim/model/ids.h"

namespace lockstep::cim {

namespace {

using namespace model;

// A refusal where an operation of DSP0200 has no return value to put it in.
Status status_of(const manage::Refusal& refusal) {
  switch (refusal.code) {
    case manage::ReturnCode::not_supported: return Status::not_supported;
    case manage::ReturnCode::invalid_parameter:
    case manage::ReturnCode::property_not_supported: return Status::invalid_parameter;
    case manage::ReturnCode::not_found: return Status::not_found;
    case manage::ReturnCode::access_denied: return Status::access_denied;
    default: return Status::failed;
  }
}
std::unexpected<CimError> error(Status status, std::string message) { return std::unexpected(CimError{status, std::move(message)}); }
std::unexpected<CimError> error(const manage::Refusal& refusal) { return error(status_of(refusal), refusal.message + (refusal.next_step.empty() ? "" : ". " + refusal.next_step)); }

constexpr std::string_view settings_writable[] = {"TargetElementSupplier", "ThinProvisioningPolicy"};

std::string id_named_by(const ObjectPath& path) {
  for (const NamedValue& key : path.keys) {
    const Scalar* scalar = key.value.scalar();
    const std::string* text = scalar ? std::get_if<std::string>(scalar) : nullptr;
    if (text) return *text;
  }
  return "";
}

class ManageProvider final : public Provider {
 public:
  ManageProvider(manage::System& system, rt::Loop& loop, ProviderOptions options) : system_(system), loop_(loop), options_(std::move(options)) {}

  rt::Task<std::shared_ptr<const Repository>> look() override {
    std::shared_ptr<const Repository> look = last_;
    bool old = !look || system_.changes() != changes_ || loop_.clock().now() - taken_ >= options_.fresh_for;
    if (old) look = co_await take_look();
    co_return look;
  }
  rt::Task<CimAnswer<MethodAnswer>> invoke(manage::Caller caller, ObjectPath object, std::string method, std::vector<NamedValue> in) override;
  rt::Task<CimAnswer<>> modify(manage::Caller caller, ObjectPath path, Instance instance, std::optional<std::vector<std::string>> properties) override;
  rt::Task<CimAnswer<>> remove(manage::Caller caller, ObjectPath path) override;

 private:
  rt::Task<std::shared_ptr<const Frozen>> take_look() {
    Instant began = loop_.clock().now();
    std::uint64_t changes = system_.changes();   // what happens from here on may or may not be in it
    ProviderOptions options = options_;
    Facts facts = co_await gather(system_, std::move(options), discoveries_);
    auto look = std::make_shared<const Frozen>(std::move(facts));
    last_ = look;
    taken_ = began;
    changes_ = changes;
    co_return look;
  }
  rt::Task<Done> run(Invocation* call, const MethodEntry* entry);

  manage::System& system_;
  rt::Loop& loop_;
  ProviderOptions options_;
  Discoveries discoveries_;
  std::shared_ptr<const Frozen> last_;   // shared with the answers that are still being written from it
  Instant taken_;
  std::uint64_t changes_ = 0;            // of the system, when it was taken
};

rt::Task<CimAnswer<MethodAnswer>> ManageProvider::invoke(manage::Caller caller, ObjectPath object, std::string method_name, std::vector<NamedValue> in) {
  const Class* cls = find_class(object.class_name);
  if (!cls) co_return error(Status::invalid_class, "there is no class " + object.class_name);
  const Method* method = find_method(*cls, method_name);
  if (!method) co_return error(Status::method_not_found, std::string(cls->name) + " has no method " + method_name);
  std::shared_ptr<const Frozen> look = co_await take_look();
  std::string id = look->id_at(object).value_or("");
  Invocation call{system_, discoveries_, *look, std::move(caller), *method, std::move(object), std::move(id), Arguments(std::move(in))};
  Done done = co_await run(&call, find_entry(method->origin, method->name));
  last_.reset();   // whatever the method did is to be seen by the next look
  co_return answer_of(*method, std::move(done));
}

rt::Task<Done> ManageProvider::run(Invocation* call, const MethodEntry* entry) {
  std::string name = std::string(call->method.origin) + "." + std::string(call->method.name);
  if (!entry) co_return unsupported("this", name + " is not offered: there is nothing of the kind here");
  if (call->in.has("username") || call->in.has("password")) {
    manage::Answer<manage::Caller> known = co_await system_.authenticate(call->in.text("username").value_or(""), call->in.text("password").value_or(""));
    if (!known) {
      manage::Refusal refusal = known.error();
      refusal.parameter = "username";
      co_return refused(std::move(refusal));
    }
    call->caller = *std::move(known);
  }
  if (call->id.empty() && !entry->finds_its_object)
    co_return refused(static_cast<std::uint32_t>(manage::ReturnCode::not_found), "this", "there is no " + call->object.class_name + " '" + id_named_by(call->object) + "'", "Enumerate again.");
  co_return co_await entry->run(*call);
}

rt::Task<CimAnswer<>> ManageProvider::modify(manage::Caller caller, ObjectPath path, Instance instance, std::optional<std::vector<std::string>> properties) {
  std::shared_ptr<const Frozen> look = co_await take_look();
  std::optional<std::string> id = look->id_at(path);
  if (!id) co_return error(Status::not_found, "there is no such instance of " + path.class_name);
  const Class* cls = find_class(path.class_name);
  if (!is_a(*cls, settings_class)) co_return error(Status::not_supported, "instances of " + path.class_name + " are changed by their methods");
  const Facts& facts = look->facts();
  for (const manage::GroupInfo& group : facts.groups) {
    if (settings_id_of(group.row.id) != *id) continue;
    manage::ReplicaDefaults defaults = facts.defaults.at(group.row.id);
    std::uint16_t* values[] = {&defaults.target_element_supplier, &defaults.thin_provisioning_policy};
    for (std::size_t i = 0; i < std::size(settings_writable); ++i) {
      bool wanted = !properties;
      if (properties)
        for (const std::string& name : *properties) wanted = wanted || same_name(name, settings_writable[i]);
      const NamedValue* given = wanted ? instance.find(settings_writable[i]) : nullptr;
      const Scalar* scalar = given ? given->value.scalar() : nullptr;
      const auto* number = scalar ? std::get_if<std::uint64_t>(scalar) : nullptr;
      if (number) *values[i] = static_cast<std::uint16_t>(*number);
      else if (given) *values[i] = 0;   // NULL: the usual one
    }
    manage::Answer<> set = co_await system_.set_replica_defaults(std::move(caller), full_name(group), defaults);
    last_.reset();
    if (!set) co_return error(set.error());
    co_return CimAnswer<>{};
  }
  co_return error(Status::not_found, "there is no such instance of " + path.class_name);
}

rt::Task<CimAnswer<>> ManageProvider::remove(manage::Caller caller, ObjectPath path) {
  std::shared_ptr<const Frozen> look = co_await take_look();
  const Class* cls = find_class(path.class_name);
  std::optional<std::string> id = look->id_at(path);
  if (!id && !look->find(path)) co_return error(Status::not_found, "there is no such instance of " + path.class_name);
  std::string_view method = "Delete";   // deleting the instance is what the method does
  const MethodEntry* entry = cls && id ? find_entry(cls->name, method) : nullptr;
  if (!entry) co_return error(Status::not_supported, "instances of " + path.class_name + " are not deleted as such");
  Invocation call{system_, discoveries_, *look, std::move(caller), *find_method(*cls, method), std::move(path), *std::move(id), Arguments({})};
  Done done = co_await run(&call, entry);
  last_.reset();
  if (done.refusal) co_return error(*done.refusal);
  co_return CimAnswer<>{};
}

}  // namespace

std::unique_ptr<Provider> make_provider(manage::System& system, rt::Loop& loop, ProviderOptions options) {
  return std::make_unique<ManageProvider>(system, loop, std::move(options));
}

}  // namespace lockstep::cim
