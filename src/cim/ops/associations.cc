// Associators, AssociatorNames, References, ReferenceNames: of an instance its instances, of a class its classes.
#include <utility>

#include "cim/ops/association_classes.h"
#include "cim/ops/call.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

struct Asked {
  const RawPath* object = nullptr;
  AssociationFilter filter;
  Shown shown;
};

// `far`: the parameters that only associators have; `whole`: those of operations that return more than names.
CimAnswer<Asked> asked(Call& call, bool far, bool whole) {
  Parameters given(call.raw);
  Asked out;
  out.object = given.required_path("ObjectName");
  if (far) {
    out.filter.association = given.class_name("AssocClass").value_or("");
    out.filter.result_role = given.text("ResultRole").value_or("");
  }
  out.filter.result = given.class_name("ResultClass").value_or("");
  out.filter.role = given.text("Role").value_or("");
  if (whole) {
    given.truth("IncludeQualifiers", false);
    out.shown.class_origin = given.truth("IncludeClassOrigin", false);
    out.shown.properties = given.texts("PropertyList");
  }
  TRY_VOID(given.done());
  TRY_VOID(known_classes(out.filter));
  return out;
}

struct Kind {
  bool far, whole;
};

rt::Task<CimAnswer<Produced>> traverse(Call& call, Kind kind) {
  CO_TRY(Asked ask, asked(call, kind.far, kind.whole));
  if (ask.object->of_class) {
    CO_TRY(const Class* cls, class_here(call, ask.object->class_name));
    std::vector<const Class*> found = kind.far ? associated_classes(*cls, ask.filter) : association_classes(*cls, ask.filter);
    std::string out;
    for (const Class* one : found) write_class_object(out, *one, call.place, kind.whole, ask.shown);
    co_return produce(std::move(out));
  }
  CO_TRY(ObjectPath path, path_here(call, *ask.object));
  Look look = co_await look_now(call);
  if (!look->find(path)) co_return cim_error(Status::not_found, "there is no such instance of " + path.class_name);
  std::unique_ptr<Cursor> cursor = kind.far ? associators_cursor(std::move(look), std::move(path), std::move(ask.filter), !kind.whole)
                                            : references_cursor(std::move(look), std::move(path), std::move(ask.filter));
  co_return produce(std::move(cursor), kind.whole ? write_object_with_path : write_object_path, call.place, std::move(ask.shown));
}

rt::Task<CimAnswer<Produced>> associators(Call& call) { return traverse(call, {true, true}); }
rt::Task<CimAnswer<Produced>> associator_names(Call& call) { return traverse(call, {true, false}); }
rt::Task<CimAnswer<Produced>> references(Call& call) { return traverse(call, {false, true}); }
rt::Task<CimAnswer<Produced>> reference_names(Call& call) { return traverse(call, {false, false}); }

constexpr NamedOperation operations[] = {
    {"Associators", associators},
    {"AssociatorNames", associator_names},
    {"References", references},
    {"ReferenceNames", reference_names},
};

}  // namespace

std::span<const NamedOperation> association_operations() { return operations; }

}  // namespace lockstep::cim
