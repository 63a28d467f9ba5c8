#include "cim/ops/association_classes.h"

#include <algorithm>

namespace lockstep::cim {

namespace {

bool role_fits(const Property& property, const std::string& role) { return property.type == Type::reference && (role.empty() || same_name(property.name, role)); }

bool names(const Class& association, const Class& cls, const std::string& role) {
  return std::ranges::any_of(properties_of(association), [&](const Property* property) { return role_fits(*property, role) && may_name(*property, cls); });
}

}  // namespace

std::vector<const Class*> association_classes(const Class& cls, const AssociationFilter& filter) {
  std::vector<const Class*> out;
  for (const Class& one : all_classes())
    if (one.association && (filter.result.empty() || is_a(one, filter.result)) && names(one, cls, filter.role)) out.push_back(&one);
  return out;
}

std::vector<const Class*> associated_classes(const Class& cls, const AssociationFilter& filter) {
  std::vector<const Class*> out;
  for (const Class& association : all_classes()) {
    if (!association.association || (!filter.association.empty() && !is_a(association, filter.association))) continue;
    for (const Property* near : properties_of(association)) {
      if (!role_fits(*near, filter.role) || !may_name(*near, cls)) continue;
      for (const Property* far : properties_of(association)) {
        if (far == near || !role_fits(*far, filter.result_role)) continue;
        const Class* found = find_class(far->reference_class);
        if (!found || (!filter.result.empty() && !is_a(*found, filter.result))) continue;
        if (std::ranges::find(out, found) == out.end()) out.push_back(found);
      }
    }
  }
  return out;
}

void write_class_object(std::string& out, const Class& cls, const Place& place, bool whole, const Shown& shown) {
  out += whole ? "<VALUE.OBJECTWITHPATH>" : "<OBJECTPATH>";
  write_class_path(out, cls.name, place);
  if (whole) {
    ClassShown how;
    how.local_only = false;
    how.qualifiers = false;
    how.class_origin = shown.class_origin;
    how.properties = shown.properties;
    write_class(out, cls, how);
  }
  out += whole ? "</VALUE.OBJECTWITHPATH>\n" : "</OBJECTPATH>\n";
}

}  // namespace lockstep::cim
