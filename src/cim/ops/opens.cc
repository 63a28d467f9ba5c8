// The operations that open an enumeration (DSP0200, 5.4.2.24): what is found, how it is filtered, how it is written.
#include <utility>

#include "cim/ops/call.h"
#include "cim/ops/pulls.h"
#include "cim/ops/query_cursor.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

// What all of them take.
struct Common {
  std::optional<std::string> filter_language, filter;
  Duration rest = Pulls::rest_usual;
  bool continue_on_error = false;
  bool bad_timeout = false;
  std::uint64_t count = 0;
};

Common common_parameters(Parameters& given) {
  Common out;
  out.filter_language = given.text("FilterQueryLanguage");
  out.filter = given.text("FilterQuery");
  if (auto seconds = given.number("OperationTimeout")) {
    out.bad_timeout = *seconds == 0 || std::chrono::seconds(*seconds) > Pulls::rest_most;
    out.rest = std::chrono::seconds(*seconds);
  }
  out.continue_on_error = given.truth("ContinueOnError", false);
  out.count = given.number("MaxObjectCount").value_or(0);
  return out;
}

CimAnswer<> offered(const Common& common) {
  if (common.bad_timeout) return cim_error(Status::invalid_operation_timeout, "OperationTimeout is to be from 1 to 900 seconds");
  if (common.continue_on_error) return cim_error(Status::continuation_on_error_not_supported, "ContinueOnError is not offered");
  return {};
}

// The filter over instances of `class_name`; none when none was given.
CimAnswer<std::shared_ptr<const Query>> filter_of(const Common& common, std::string_view class_name) {
  if (!common.filter_language && !common.filter) return nullptr;
  if (!common.filter_language || !common.filter) return cim_error(Status::invalid_parameter, "FilterQueryLanguage and FilterQuery go together");
  std::optional<Language> language = parse_language(*common.filter_language);
  if (!language) return cim_error(Status::query_language_not_supported, "'" + common.filter_language->substr(0, 64) + "' is not spoken here; DMTF:FQL, DMTF:CQL and WQL are");
  auto query = *language == Language::fql ? parse_filter(*common.filter, std::string(class_name)) : parse_query(*language, *common.filter);
  if (!query) return std::unexpected(std::move(query).error());
  return std::make_shared<const Query>(*std::move(query));
}

CimAnswer<Produced> open(Call& call, const Common& common, Pulls::Kind kind, WriteFound write, std::unique_ptr<Cursor> cursor, std::shared_ptr<const Query> filter, Shown shown) {
  if (filter) cursor = filtered(std::move(cursor), std::move(filter));
  Pulls::Open open;
  open.kind = kind;
  open.cursor = std::move(cursor);
  open.write = write;
  open.shown = std::move(shown);
  open.place = call.place;
  open.name_space = call.name_space;
  open.user = call.caller.user;
  open.rest = common.rest;
  return call.parts.pulls.open(std::move(open), common.count);
}

rt::Task<CimAnswer<Produced>> open_enumerate(Call& call, bool whole) {
  Parameters given(call.raw);
  std::optional<std::string> name = given.class_name("ClassName");
  Shown shown;
  bool deep = true;
  if (whole) {
    given.truth("LocalOnly", false);
    deep = given.truth("DeepInheritance", true);
    given.truth("IncludeQualifiers", false);
    shown.class_origin = given.truth("IncludeClassOrigin", false);
    shown.properties = given.texts("PropertyList");
  }
  Common common = common_parameters(given);
  CO_TRY_VOID(given.done());
  if (!name) co_return cim_error(Status::invalid_parameter, "ClassName: it is missing");
  CO_TRY_VOID(offered(common));
  CO_TRY(const Class* cls, class_here(call, *name));
  CO_TRY(std::shared_ptr<const Query> filter, filter_of(common, cls->name));
  if (!deep) shown.only_of = cls;
  Look look = co_await look_now(call);
  auto cursor = instances_cursor(std::move(look), *cls, call.name_space);
  co_return open(call, common, whole ? Pulls::Kind::instances_with_path : Pulls::Kind::paths, whole ? write_instance_with_path : write_found_path, std::move(cursor), std::move(filter),
                 std::move(shown));
}

struct Traversal {
  bool far, whole;
};

rt::Task<CimAnswer<Produced>> open_traverse(Call& call, Traversal kind) {
  Parameters given(call.raw);
  const RawPath* name = given.required_path("InstanceName");
  AssociationFilter filter;
  if (kind.far) {
    filter.association = given.class_name("AssocClass").value_or("");
    filter.result_role = given.text("ResultRole").value_or("");
  }
  filter.result = given.class_name("ResultClass").value_or("");
  filter.role = given.text("Role").value_or("");
  Shown shown;
  if (kind.whole) {
    given.truth("IncludeQualifiers", false);
    shown.class_origin = given.truth("IncludeClassOrigin", false);
    shown.properties = given.texts("PropertyList");
  }
  Common common = common_parameters(given);
  CO_TRY_VOID(given.done());
  CO_TRY_VOID(offered(common));
  CO_TRY_VOID(known_classes(filter));
  if (common.filter && filter.result.empty()) co_return cim_error(Status::filtered_enumeration_not_supported, "a filter needs ResultClass here");
  CO_TRY(std::shared_ptr<const Query> query, filter_of(common, filter.result));
  CO_TRY(ObjectPath path, path_here(call, *name));
  Look look = co_await look_now(call);
  if (!look->find(path)) co_return cim_error(Status::not_found, "there is no such instance of " + path.class_name);
  std::unique_ptr<Cursor> cursor = kind.far ? associators_cursor(std::move(look), std::move(path), std::move(filter), !kind.whole && !query)
                                            : references_cursor(std::move(look), std::move(path), std::move(filter));
  co_return open(call, common, kind.whole ? Pulls::Kind::instances_with_path : Pulls::Kind::paths, kind.whole ? write_instance_with_path : write_found_path, std::move(cursor),
                 std::move(query), std::move(shown));
}

rt::Task<CimAnswer<Produced>> open_query(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> language = given.text("FilterQueryLanguage");
  std::optional<std::string> text = given.text("FilterQuery");
  bool wants_class = given.truth("ReturnQueryResultClass", false);
  Common common = common_parameters(given);
  CO_TRY_VOID(given.done());
  CO_TRY_VOID(offered(common));
  if (wants_class) co_return cim_error(Status::not_supported, "ReturnQueryResultClass is not offered");
  CO_TRY(Selection selection, selection_of(call, language, text));
  Look look = co_await look_now(call);
  auto cursor = instances_cursor(std::move(look), *selection.cls, call.name_space);
  co_return open(call, common, Pulls::Kind::instances, write_found_instance, std::move(cursor), std::move(selection.query), std::move(selection.shown));
}

rt::Task<CimAnswer<Produced>> enumerate_instances(Call& call) { return open_enumerate(call, true); }
rt::Task<CimAnswer<Produced>> enumerate_paths(Call& call) { return open_enumerate(call, false); }
rt::Task<CimAnswer<Produced>> associator_instances(Call& call) { return open_traverse(call, {true, true}); }
rt::Task<CimAnswer<Produced>> associator_paths(Call& call) { return open_traverse(call, {true, false}); }
rt::Task<CimAnswer<Produced>> reference_instances(Call& call) { return open_traverse(call, {false, true}); }
rt::Task<CimAnswer<Produced>> reference_paths(Call& call) { return open_traverse(call, {false, false}); }

constexpr NamedOperation operations[] = {
    {"OpenEnumerateInstances", enumerate_instances},
    {"OpenEnumerateInstancePaths", enumerate_paths},
    {"OpenAssociatorInstances", associator_instances},
    {"OpenAssociatorInstancePaths", associator_paths},
    {"OpenReferenceInstances", reference_instances},
    {"OpenReferenceInstancePaths", reference_paths},
    {"OpenQueryInstances", open_query},
};

}  // namespace

std::span<const NamedOperation> open_operations() { return operations; }

}  // namespace lockstep::cim
