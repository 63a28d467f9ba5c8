// Frozen: one look at the system as objects and associations, each found by its key or from either end. Private to cim.
// Instances are made when they are asked for; what is kept is which there are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cim/model/build.h"
#include "cim/model/facts.h"
#include "cim/provider.h"

namespace lockstep::cim::model {

// Makes the object that `index` stands for in its part of the facts.
using Make = Instance (*)(const Facts& facts, std::size_t index);
// Sets what an association has besides its two ends.
using Fill = void (*)(Builder& builder, const Facts& facts, std::size_t index);

class Frozen final : public Repository {
 public:
  explicit Frozen(Facts facts);

  // `id` is the value of the key, where there is one only; else any text that is the object's alone.
  void add(std::string_view class_name, std::string id, Make make, std::size_t index = 0);
  // Between objects that are there; else it does nothing. The ends in the order in which the class has its references.
  void link(std::string_view association, std::string_view from, std::string_view to, Fill fill = nullptr, std::size_t index = 0);

  [[nodiscard]] const Facts& facts() const { return facts_; }
  [[nodiscard]] bool has(std::string_view id) const { return by_id_.contains(std::string(id)); }
  // The id of the object that `path` names, which must be of that class or of one derived from it.
  [[nodiscard]] std::optional<std::string> id_at(const ObjectPath& path) const;

  void instances(std::string_view class_name, const Emit& emit) const override;
  std::optional<Instance> find(const ObjectPath& path) const override;
  void references(const ObjectPath& object, std::string_view association, const Emit& emit) const override;

 private:
  struct Node {
    std::string_view class_name;
    std::string id;
    Make make;
    std::size_t index;
    std::vector<std::uint32_t> links;
  };
  struct Link {
    std::string_view class_name;
    std::uint32_t from, to;
    Fill fill;
    std::size_t index;
  };
  [[nodiscard]] Instance instance_of(const Node& node) const { return node.make(facts_, node.index); }
  [[nodiscard]] Instance instance_of(const Link& link) const;
  [[nodiscard]] ObjectPath path_of_node(const Node& node, std::string_view from_name_space) const;
  [[nodiscard]] const Node* node_at(const ObjectPath& path) const;
  [[nodiscard]] const Link* link_at(const Class& association, const ObjectPath& path) const;

  Facts facts_;
  std::vector<Node> nodes_;
  std::vector<Link> links_;
  std::unordered_map<std::string, std::uint32_t> by_id_;
  std::map<std::string_view, std::vector<std::uint32_t>> nodes_of_, links_of_;   // by class
};

}  // namespace lockstep::cim::model
