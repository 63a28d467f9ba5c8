// Cursors: the objects that an enumeration finds, one after the other, out of one frozen look. Private to cim.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cim/provider.h"
#include "cim/query/query.h"

namespace lockstep::cim {

struct Found {
  ObjectPath path;
  std::optional<Instance> instance;   // none where only names are asked for
};

class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual std::optional<Found> next() = 0;
  [[nodiscard]] virtual std::unique_ptr<Cursor> clone() const = 0;   // at the same place
};

using Look = std::shared_ptr<const Repository>;

// Instances of `cls` and of the classes below it that `name_space` has.
[[nodiscard]] std::unique_ptr<Cursor> instances_cursor(Look look, const Class& cls, std::string_view name_space);

// May this reference name an object of this class? CIM_ManagedElement stands for anything: the model's own classes are no children of it.
[[nodiscard]] bool may_name(const Property& reference, const Class& cls);

// What DSP0200 calls AssocClass, ResultClass, Role and ResultRole; empty: any.
struct AssociationFilter {
  std::string association, result, role, result_role;
};
[[nodiscard]] std::unique_ptr<Cursor> references_cursor(Look look, ObjectPath object, AssociationFilter filter);                        // `result`: of the association
[[nodiscard]] std::unique_ptr<Cursor> associators_cursor(Look look, ObjectPath object, AssociationFilter filter, bool names_only);      // each object once

// Those that the query matches. They must come with their instances.
[[nodiscard]] std::unique_ptr<Cursor> filtered(std::unique_ptr<Cursor> from, std::shared_ptr<const Query> query);

}  // namespace lockstep::cim
