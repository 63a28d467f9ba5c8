// GetClass, EnumerateClasses, EnumerateClassNames, GetQualifier, EnumerateQualifiers.
#include <utility>

#include "cim/ops/call.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

ClassShown how_shown(Parameters& given) {
  ClassShown shown;
  shown.local_only = given.truth("LocalOnly", true);
  shown.qualifiers = given.truth("IncludeQualifiers", true);
  shown.class_origin = given.truth("IncludeClassOrigin", false);
  return shown;
}

rt::Task<CimAnswer<Produced>> get_class(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> name = given.class_name("ClassName");
  ClassShown shown = how_shown(given);
  shown.properties = given.texts("PropertyList");
  CO_TRY_VOID(given.done());
  if (!name) co_return cim_error(Status::invalid_parameter, "ClassName: it is missing");
  CO_TRY(const Class* cls, [&]() -> CimAnswer<const Class*> {
    auto found = class_here(call, *name);
    if (!found) return cim_error(Status::not_found, std::move(found.error().message));
    return found;
  }());
  std::string out;
  write_class(out, *cls, shown);
  co_return produce(std::move(out));
}

class ClassItems final : public Items {
 public:
  ClassItems(std::vector<const Class*> classes, ClassShown shown) : classes_(std::move(classes)), shown_(std::move(shown)) {}
  bool more(std::string& out) override {
    if (at_ == classes_.size()) return false;
    write_class(out, *classes_[at_++], shown_);
    out += "\n";
    return true;
  }

 private:
  std::vector<const Class*> classes_;
  ClassShown shown_;
  std::size_t at_ = 0;
};

// The classes below `name`, or the topmost ones without it; with `deep` all that are below those too.
CimAnswer<std::vector<const Class*>> classes_below(const Call& call, const std::optional<std::string>& name, bool deep) {
  std::vector<const Class*> out;
  const Class* top = nullptr;
  if (name) {
    TRY(top, class_here(call, *name));
  }
  for (const Class& cls : all_classes()) {
    if (!is_in(cls, call.name_space)) continue;
    const Class* above = find_class(cls.superclass);
    if (above && !is_in(*above, call.name_space)) above = nullptr;
    bool below = deep ? (!top || (&cls != top && is_a(cls, top->name))) : above == top;
    if (below) out.push_back(&cls);
  }
  return out;
}

rt::Task<CimAnswer<Produced>> enumerate_classes(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> name = given.class_name("ClassName");
  bool deep = given.truth("DeepInheritance", false);
  ClassShown shown = how_shown(given);
  CO_TRY_VOID(given.done());
  CO_TRY(std::vector<const Class*> classes, classes_below(call, name, deep));
  Produced out;
  out.head = "<IRETURNVALUE>\n";
  out.items = std::make_unique<ClassItems>(std::move(classes), std::move(shown));
  out.tail = "</IRETURNVALUE>";
  co_return out;
}

rt::Task<CimAnswer<Produced>> enumerate_class_names(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> name = given.class_name("ClassName");
  bool deep = given.truth("DeepInheritance", false);
  CO_TRY_VOID(given.done());
  CO_TRY(std::vector<const Class*> classes, classes_below(call, name, deep));
  std::string out;
  for (const Class* cls : classes) {
    out += "<CLASSNAME NAME=\"";
    write_escaped(out, cls->name);
    out += "\"/>\n";
  }
  co_return produce(std::move(out));
}

rt::Task<CimAnswer<Produced>> get_qualifier(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> name = given.text("QualifierName");
  CO_TRY_VOID(given.done());
  if (!name) co_return cim_error(Status::invalid_parameter, "QualifierName: it is missing");
  for (const QualifierType& type : all_qualifier_types()) {
    if (!same_name(type.name, *name)) continue;
    std::string out;
    write_qualifier_type(out, type);
    co_return produce(std::move(out));
  }
  co_return cim_error(Status::not_found, "there is no qualifier '" + name->substr(0, 128) + "'");
}

rt::Task<CimAnswer<Produced>> enumerate_qualifiers(Call& call) {
  Parameters given(call.raw);
  CO_TRY_VOID(given.done());
  std::string out;
  for (const QualifierType& type : all_qualifier_types()) {
    write_qualifier_type(out, type);
    out += "\n";
  }
  co_return produce(std::move(out));
}

constexpr NamedOperation operations[] = {
    {"GetClass", get_class},
    {"EnumerateClasses", enumerate_classes},
    {"EnumerateClassNames", enumerate_class_names},
    {"GetQualifier", get_qualifier},
    {"EnumerateQualifiers", enumerate_qualifiers},
};

}  // namespace

std::span<const NamedOperation> class_operations() { return operations; }

}  // namespace lockstep::cim
