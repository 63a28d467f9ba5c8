#include "cim/indications/joined.h"

#include "cim/indications/subscriptions.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

bool kept_there(std::string_view class_name) {
  const Class* cls = find_class(class_name);
  return cls && Subscriptions::keeps(*cls);
}

}  // namespace

void Joined::instances_from(std::string_view class_name, std::size_t first, const Emit& emit) const {
  if (!kept_there(class_name)) return system_->instances_from(class_name, first, emit);
  std::size_t at = 0;
  for (const auto& [key, instance] : *subscriptions_)
    if (same_name(instance.class_name, class_name) && at++ >= first && !emit(instance)) return;
}

std::optional<Instance> Joined::find(const ObjectPath& path) const {
  if (!kept_there(path.class_name)) return system_->find(path);
  auto found = subscriptions_->find(key_of(path));
  if (found == subscriptions_->end()) return std::nullopt;
  return found->second;
}

// A handful: looking at all of them is no search.
void Joined::references_from(const ObjectPath& object, std::string_view association, std::size_t first, const Emit& emit) const {
  if (!kept_there(association)) return system_->references_from(object, association, first, emit);
  std::string wanted = key_of(object);
  std::size_t at = 0;
  for (const auto& [key, instance] : *subscriptions_) {
    if (!same_name(instance.class_name, association)) continue;
    bool named = false;
    for (const NamedValue& property : instance.properties) {
      const Scalar* scalar = property.value.scalar();
      const auto* path = scalar ? std::get_if<std::shared_ptr<const ObjectPath>>(scalar) : nullptr;
      named = named || (path && *path && key_of(**path) == wanted);
    }
    if (named && at++ >= first && !emit(instance)) return;
  }
}

}  // namespace lockstep::cim
