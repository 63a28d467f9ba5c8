// ExecQuery: WQL and CQL over the instances of one class and those below it.
#include <utility>

#include "cim/ops/call.h"
#include "cim/ops/query_cursor.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

CimAnswer<Selection> selection_of(const Call& call, const std::optional<std::string>& language, const std::optional<std::string>& text) {
  if (!language || !text) return cim_error(Status::invalid_parameter, "QueryLanguage and Query are both needed");
  std::optional<Language> known = parse_language(*language);
  if (!known || *known == Language::fql) return cim_error(Status::query_language_not_supported, "'" + language->substr(0, 64) + "' is not spoken here; WQL and DMTF:CQL are");
  TRY(Query query, parse_query(*known, *text));
  const Class* cls = find_class(query.from);
  if (!is_in(*cls, call.name_space)) return cim_error(Status::invalid_query, "there is no class '" + query.from + "' in " + call.place.name_space);
  Selection out{cls, std::make_shared<const Query>(std::move(query)), {}};
  if (!out.query->all) out.shown.properties = out.query->columns;
  return out;
}

namespace {

rt::Task<CimAnswer<Produced>> exec_query(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> language = given.text("QueryLanguage");
  std::optional<std::string> text = given.text("Query");
  CO_TRY_VOID(given.done());
  CO_TRY(Selection selection, selection_of(call, language, text));
  Look look = co_await look_now(call);
  auto cursor = filtered(instances_cursor(std::move(look), *selection.cls, call.name_space), selection.query);
  co_return produce(std::move(cursor), write_object_with_path, call.place, std::move(selection.shown));
}

constexpr NamedOperation operations[] = {{"ExecQuery", exec_query}};

}  // namespace

std::span<const NamedOperation> query_operations() { return operations; }

}  // namespace lockstep::cim
