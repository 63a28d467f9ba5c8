#include "cim/model/frozen.h"

#include "cim/instances/families.h"

namespace lockstep::cim::model {

namespace {

std::vector<const Property*> keys_of(const Class& cls) {
  std::vector<const Property*> out;
  for (const Property* property : properties_of(cls))
    if (property->key) out.push_back(property);
  return out;
}

const std::string* text_in(const NamedValue& value) {
  const Scalar* scalar = value.value.scalar();
  return scalar ? std::get_if<std::string>(scalar) : nullptr;
}
const ObjectPath* path_in(const NamedValue& value) {
  const Scalar* scalar = value.value.scalar();
  const auto* path = scalar ? std::get_if<std::shared_ptr<const ObjectPath>>(scalar) : nullptr;
  return path ? path->get() : nullptr;
}

const NamedValue* key(const ObjectPath& path, std::string_view name) {
  for (const NamedValue& value : path.keys)
    if (same_name(value.name, name)) return &value;
  return nullptr;
}

// All keys are text, and the same.
bool same_keys(const ObjectPath& ours, const ObjectPath& theirs) {
  if (ours.keys.size() != theirs.keys.size()) return false;
  for (const NamedValue& mine : ours.keys) {
    const NamedValue* other = key(theirs, mine.name);
    const std::string* a = text_in(mine);
    const std::string* b = other ? text_in(*other) : nullptr;
    if (!a || !b || *a != *b) return false;
  }
  return true;
}

}  // namespace

Frozen::Frozen(Facts facts) : facts_(std::move(facts)) {
  for (AddFamily add_family : families()) add_family(*this);
}

void Frozen::add(std::string_view class_name, std::string id, Make make, std::size_t index) {
  auto number = static_cast<std::uint32_t>(nodes_.size());
  auto [at, fresh] = by_id_.emplace(id, number);
  if (!fresh) return;
  std::string_view name = find_class(class_name)->name;
  nodes_.push_back({name, std::move(id), make, index, {}});
  nodes_of_[name].push_back(number);
}

void Frozen::link(std::string_view association, std::string_view from, std::string_view to, Fill fill, std::size_t index) {
  auto a = by_id_.find(std::string(from));
  auto b = by_id_.find(std::string(to));
  if (a == by_id_.end() || b == by_id_.end()) return;
  auto number = static_cast<std::uint32_t>(links_.size());
  std::string_view name = find_class(association)->name;
  links_.push_back({name, a->second, b->second, fill, index});
  links_of_[name].push_back(number);
  nodes_[a->second].links.push_back(number);
  if (b->second != a->second) nodes_[b->second].links.push_back(number);
}

ObjectPath Frozen::path_of_node(const Node& node, std::string_view from_name_space) const {
  const Class* cls = find_class(node.class_name);
  std::vector<const Property*> keys = keys_of(*cls);
  ObjectPath path = keys.size() == 1 ? path_by(node.class_name, keys[0]->name, node.id) : path_of(instance_of(node));
  if (!is_in(*cls, from_name_space)) path.name_space = std::string(cls->name_spaces[0]);
  return path;
}

Instance Frozen::instance_of(const Link& link) const {
  const Class* cls = find_class(link.class_name);
  std::vector<const Property*> ends = keys_of(*cls);
  Builder builder(link.class_name);
  if (link.fill) link.fill(builder, facts_, link.index);
  builder.set(ends.at(0)->name, reference(path_of_node(nodes_[link.from], cls->name_spaces[0])));
  builder.set(ends.at(1)->name, reference(path_of_node(nodes_[link.to], cls->name_spaces[0])));
  return builder.take();
}

void Frozen::instances(std::string_view class_name, const Emit& emit) const {
  const Class* cls = find_class(class_name);
  if (!cls) return;
  if (auto nodes = nodes_of_.find(cls->name); nodes != nodes_of_.end())
    for (std::uint32_t number : nodes->second)
      if (!emit(instance_of(nodes_[number]))) return;
  if (auto links = links_of_.find(cls->name); links != links_of_.end())
    for (std::uint32_t number : links->second)
      if (!emit(instance_of(links_[number]))) return;
}

const Frozen::Node* Frozen::node_at(const ObjectPath& path) const {
  if (path.keys.size() == 1) {
    const std::string* id = text_in(path.keys[0]);
    auto found = id ? by_id_.find(*id) : by_id_.end();
    if (found == by_id_.end()) return nullptr;
    const Node& node = nodes_[found->second];
    const Class* cls = find_class(node.class_name);
    std::vector<const Property*> keys = keys_of(*cls);
    return keys.size() == 1 && same_name(keys[0]->name, path.keys[0].name) && is_a(*cls, path.class_name) ? &node : nullptr;
  }
  const Class* cls = find_class(path.class_name);   // classes with several keys have few instances
  auto nodes = cls ? nodes_of_.find(cls->name) : nodes_of_.end();
  if (nodes == nodes_of_.end()) return nullptr;
  for (std::uint32_t number : nodes->second)
    if (same_keys(path_of(instance_of(nodes_[number])), path)) return &nodes_[number];
  return nullptr;
}

const Frozen::Link* Frozen::link_at(const Class& association, const ObjectPath& path) const {
  std::vector<const Property*> ends = keys_of(association);
  if (ends.size() != 2 || path.keys.size() != 2) return nullptr;
  const NamedValue* first = key(path, ends[0]->name);
  const NamedValue* second = key(path, ends[1]->name);
  const ObjectPath* from = first ? path_in(*first) : nullptr;
  const ObjectPath* to = second ? path_in(*second) : nullptr;
  const Node* a = from ? node_at(*from) : nullptr;
  const Node* b = to ? node_at(*to) : nullptr;
  if (!a || !b) return nullptr;
  for (std::uint32_t number : (a->links.size() < b->links.size() ? a : b)->links) {
    const Link& link = links_[number];
    if (same_name(link.class_name, association.name) && &nodes_[link.from] == a && &nodes_[link.to] == b) return &link;
  }
  return nullptr;
}

std::optional<std::string> Frozen::id_at(const ObjectPath& path) const {
  const Node* node = node_at(path);
  return node ? std::optional(node->id) : std::nullopt;
}

std::optional<Instance> Frozen::find(const ObjectPath& path) const {
  const Class* cls = find_class(path.class_name);
  if (!cls) return std::nullopt;
  if (cls->association) {
    const Link* link = link_at(*cls, path);
    return link ? std::optional(instance_of(*link)) : std::nullopt;
  }
  const Node* node = node_at(path);
  return node ? std::optional(instance_of(*node)) : std::nullopt;
}

void Frozen::references(const ObjectPath& object, std::string_view association, const Emit& emit) const {
  const Node* node = node_at(object);
  if (!node) return;
  for (std::uint32_t number : node->links)
    if (same_name(links_[number].class_name, association) && !emit(instance_of(links_[number]))) return;
}

}  // namespace lockstep::cim::model
