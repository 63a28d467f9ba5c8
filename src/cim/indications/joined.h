// A look at the system together with the subscriptions of the same moment. Private to cim.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cim/ops/cursor.h"

namespace lockstep::cim {

class Joined final : public Repository {
 public:
  using Instances = std::map<std::string, Instance>;
  Joined(Look system, std::shared_ptr<const Instances> subscriptions) : system_(std::move(system)), subscriptions_(std::move(subscriptions)) {}

  void instances(std::string_view class_name, const Emit& emit) const override { instances_from(class_name, 0, emit); }
  void instances_from(std::string_view class_name, std::size_t first, const Emit& emit) const override;
  [[nodiscard]] std::optional<Instance> find(const ObjectPath& path) const override;
  void references(const ObjectPath& object, std::string_view association, const Emit& emit) const override { references_from(object, association, 0, emit); }
  void references_from(const ObjectPath& object, std::string_view association, std::size_t first, const Emit& emit) const override;

 private:
  Look system_;
  std::shared_ptr<const Instances> subscriptions_;
};

}  // namespace lockstep::cim
