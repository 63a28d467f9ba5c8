#include "cim/ops/cursor.h"

#include <deque>
#include <set>
#include <utility>

#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

constexpr std::size_t batch_most = 256;

// A list of classes, each read in batches.
class Batches {
 public:
  using Read = void (*)(const Repository&, const ObjectPath*, std::string_view class_name, std::size_t first, const Repository::Emit&);
  Batches(Look look, std::vector<const Class*> classes, std::shared_ptr<const ObjectPath> object, Read read)
      : look_(std::move(look)), classes_(std::move(classes)), object_(std::move(object)), read_(read) {}

  std::optional<Instance> next() {
    while (batch_.empty() && at_ < classes_.size()) {
      read_(*look_, object_.get(), classes_[at_]->name, first_, [this](Instance instance) {
        batch_.push_back(std::move(instance));
        return batch_.size() < batch_most;
      });
      first_ += batch_.size();
      if (batch_.size() < batch_most) {
        ++at_;
        first_ = 0;
      }
    }
    if (batch_.empty()) return std::nullopt;
    std::optional<Instance> out(std::move(batch_.front()));
    batch_.pop_front();
    return out;
  }
  [[nodiscard]] const Repository& look() const { return *look_; }

 private:
  Look look_;
  std::vector<const Class*> classes_;
  std::shared_ptr<const ObjectPath> object_;
  Read read_;
  std::size_t at_ = 0;
  std::size_t first_ = 0;
  std::deque<Instance> batch_;
};

void read_instances(const Repository& look, const ObjectPath*, std::string_view class_name, std::size_t first, const Repository::Emit& emit) { look.instances_from(class_name, first, emit); }
void read_references(const Repository& look, const ObjectPath* object, std::string_view class_name, std::size_t first, const Repository::Emit& emit) {
  look.references_from(*object, class_name, first, emit);
}

class InstancesCursor final : public Cursor {
 public:
  explicit InstancesCursor(Batches batches) : batches_(std::move(batches)) {}
  std::optional<Found> next() override {
    std::optional<Instance> instance = batches_.next();
    if (!instance) return std::nullopt;
    ObjectPath path = path_of(*instance);
    return Found{std::move(path), std::move(instance)};
  }
  std::unique_ptr<Cursor> clone() const override { return std::make_unique<InstancesCursor>(*this); }

 private:
  Batches batches_;
};

const ObjectPath* reference_in(const NamedValue& property) {
  const Scalar* scalar = property.value.scalar();
  const auto* path = scalar ? std::get_if<std::shared_ptr<const ObjectPath>>(scalar) : nullptr;
  return path ? path->get() : nullptr;
}

bool in_role(const NamedValue& property, const std::string& role, const std::string& key) {
  if (!role.empty() && !same_name(property.name, role)) return false;
  const ObjectPath* path = reference_in(property);
  return path && key_of(*path) == key;
}

class ReferencesCursor final : public Cursor {
 public:
  ReferencesCursor(Batches batches, std::string key, std::string role) : batches_(std::move(batches)), key_(std::move(key)), role_(std::move(role)) {}
  std::optional<Found> next() override {
    while (std::optional<Instance> instance = batches_.next()) {
      bool named = false;
      for (const NamedValue& property : instance->properties) named = named || in_role(property, role_, key_);
      if (!named) continue;
      ObjectPath path = path_of(*instance);
      return Found{std::move(path), std::move(instance)};
    }
    return std::nullopt;
  }
  std::unique_ptr<Cursor> clone() const override { return std::make_unique<ReferencesCursor>(*this); }

 private:
  Batches batches_;
  std::string key_, role_;
};

class AssociatorsCursor final : public Cursor {
 public:
  AssociatorsCursor(Batches batches, std::string key, AssociationFilter filter, bool names_only)
      : batches_(std::move(batches)), key_(std::move(key)), filter_(std::move(filter)), names_only_(names_only) {}

  std::optional<Found> next() override {
    while (true) {
      while (!waiting_.empty()) {
        Found found{std::move(waiting_.front()), std::nullopt};
        waiting_.pop_front();
        if (!seen_.insert(key_of(found.path)).second) continue;
        if (names_only_) return found;
        found.instance = batches_.look().find(found.path);
        if (found.instance) return found;
      }
      std::optional<Instance> association = batches_.next();
      if (!association) return std::nullopt;
      gather(*association);
    }
  }
  std::unique_ptr<Cursor> clone() const override { return std::make_unique<AssociatorsCursor>(*this); }

 private:
  void gather(const Instance& association) {
    for (const NamedValue& near : association.properties) {
      if (!in_role(near, filter_.role, key_)) continue;
      for (const NamedValue& far : association.properties) {
        const ObjectPath* path = reference_in(far);
        if (&far == &near || !path || (!filter_.result_role.empty() && !same_name(far.name, filter_.result_role))) continue;
        const Class* cls = find_class(path->class_name);
        if (!filter_.result.empty() && (!cls || !is_a(*cls, filter_.result))) continue;
        waiting_.push_back(*path);
      }
    }
  }

  Batches batches_;
  std::string key_;
  AssociationFilter filter_;
  bool names_only_;
  std::deque<ObjectPath> waiting_;
  std::set<std::string> seen_;
};

class FilteredCursor final : public Cursor {
 public:
  FilteredCursor(std::unique_ptr<Cursor> from, std::shared_ptr<const Query> query) : from_(std::move(from)), query_(std::move(query)) {}
  std::optional<Found> next() override {
    while (std::optional<Found> found = from_->next())
      if (found->instance && matches(*query_, *found->instance)) return found;
    return std::nullopt;
  }
  std::unique_ptr<Cursor> clone() const override { return std::make_unique<FilteredCursor>(from_->clone(), query_); }

 private:
  std::unique_ptr<Cursor> from_;
  std::shared_ptr<const Query> query_;
};

// Associations that can name an object of this class, by the classes of their references.
std::vector<const Class*> associations_of(const ObjectPath& object, const std::string& association, const std::string& role) {
  std::vector<const Class*> out;
  const Class* own = find_class(object.class_name);
  for (const Class& cls : all_classes()) {
    if (!cls.association || cls.abstract_class || !own || (!association.empty() && !is_a(cls, association))) continue;
    bool fits = false;
    for (const Property* property : properties_of(cls))
      fits = fits || (may_name(*property, *own) && (role.empty() || same_name(property->name, role)));
    if (fits) out.push_back(&cls);
  }
  return out;
}

}  // namespace

bool may_name(const Property& reference, const Class& cls) {
  return reference.type == Type::reference && (is_a(cls, reference.reference_class) || same_name(reference.reference_class, "CIM_ManagedElement"));
}

std::unique_ptr<Cursor> instances_cursor(Look look, const Class& cls, std::string_view name_space) {
  std::vector<const Class*> classes;
  for (const Class& one : all_classes())
    if (!one.abstract_class && is_a(one, cls.name) && is_in(one, name_space)) classes.push_back(&one);
  return std::make_unique<InstancesCursor>(Batches(std::move(look), std::move(classes), nullptr, read_instances));
}

std::unique_ptr<Cursor> references_cursor(Look look, ObjectPath object, AssociationFilter filter) {
  std::string key = key_of(object);
  std::vector<const Class*> classes = associations_of(object, filter.result, filter.role);
  auto kept = std::make_shared<const ObjectPath>(std::move(object));
  return std::make_unique<ReferencesCursor>(Batches(std::move(look), std::move(classes), std::move(kept), read_references), std::move(key), std::move(filter.role));
}

std::unique_ptr<Cursor> associators_cursor(Look look, ObjectPath object, AssociationFilter filter, bool names_only) {
  std::string key = key_of(object);
  std::vector<const Class*> classes = associations_of(object, filter.association, filter.role);
  auto kept = std::make_shared<const ObjectPath>(std::move(object));
  return std::make_unique<AssociatorsCursor>(Batches(std::move(look), std::move(classes), std::move(kept), read_references), std::move(key), std::move(filter), names_only);
}

std::unique_ptr<Cursor> filtered(std::unique_ptr<Cursor> from, std::shared_ptr<const Query> query) {
  return std::make_unique<FilteredCursor>(std::move(from), std::move(query));
}

}  // namespace lockstep::cim
