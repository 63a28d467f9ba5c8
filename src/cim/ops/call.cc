#include "cim/ops/call.h"

#include <utility>

#include "cim/indications/subscriptions.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

constexpr std::size_t items_bytes = 48u << 10;

class CursorItems final : public Items {
 public:
  CursorItems(std::unique_ptr<Cursor> cursor, WriteFound write, Place place, Shown shown)
      : cursor_(std::move(cursor)), write_(write), place_(std::move(place)), shown_(std::move(shown)) {}
  bool more(std::string& out) override {
    std::size_t enough = out.size() + items_bytes;
    while (out.size() < enough) {
      std::optional<Found> found = cursor_->next();
      if (!found) return false;
      write_(out, *found, place_, shown_);
    }
    return true;
  }

 private:
  std::unique_ptr<Cursor> cursor_;
  WriteFound write_;
  Place place_;
  Shown shown_;
};

Operation operation_of(std::string_view name) {
  for (auto table : {instance_operations(), change_operations(), association_operations(), class_operations(), query_operations(), open_operations(), pull_operations()})
    for (const NamedOperation& operation : table)
      if (same_name(operation.name, name)) return operation.run;
  return nullptr;
}

}  // namespace

rt::Task<CimAnswer<Produced>> perform(Call& call) {
  Operation run = call.raw.intrinsic ? operation_of(call.raw.name) : invoke_method;
  if (!run) co_return cim_error(Status::not_supported, "the operation '" + call.raw.name.substr(0, 128) + "' is not offered here");
  co_return co_await run(call);
}

rt::Task<Look> look_now(Call& call) {
  Look system = co_await call.parts.provider.look();
  co_return call.parts.subscriptions.joined(std::move(system));
}

CimAnswer<const Class*> class_here(const Call& call, std::string_view name) {
  const Class* cls = find_class(name);
  if (!cls || !is_in(*cls, call.name_space)) return cim_error(Status::invalid_class, "there is no class '" + std::string(name.substr(0, 128)) + "' in " + call.place.name_space);
  return cls;
}

CimAnswer<ObjectPath> path_here(const Call& call, const RawPath& raw) {
  if (raw.of_class) return cim_error(Status::invalid_parameter, "the name of an instance is wanted, '" + raw.class_name.substr(0, 128) + "' is a class");
  TRY([[maybe_unused]] const Class* cls, class_here(call, raw.class_name));
  if (!raw.name_space.empty() && parse_name_space(raw.name_space) != call.name_space)
    return cim_error(Status::invalid_parameter, "the object is in another name space: '" + raw.name_space.substr(0, 128) + "'");
  return typed_path(raw);
}

CimAnswer<> known_classes(const AssociationFilter& filter) {
  for (const std::string* name : {&filter.association, &filter.result})
    if (!name->empty() && !find_class(*name)) return cim_error(Status::invalid_parameter, "there is no class '" + name->substr(0, 128) + "'");
  return {};
}

void write_named_instance(std::string& out, const Found& found, const Place& place, const Shown& shown) {
  out += "<VALUE.NAMEDINSTANCE>";
  write_instance_name(out, found.path, place);
  write_instance(out, *found.instance, place, shown);
  out += "</VALUE.NAMEDINSTANCE>\n";
}
void write_found_name(std::string& out, const Found& found, const Place& place, const Shown&) {
  write_instance_name(out, found.path, place);
  out += "\n";
}
void write_instance_with_path(std::string& out, const Found& found, const Place& place, const Shown& shown) {
  out += "<VALUE.INSTANCEWITHPATH>";
  write_instance_path(out, found.path, place);
  write_instance(out, *found.instance, place, shown);
  out += "</VALUE.INSTANCEWITHPATH>\n";
}
void write_found_path(std::string& out, const Found& found, const Place& place, const Shown&) {
  write_instance_path(out, found.path, place);
  out += "\n";
}
void write_object_with_path(std::string& out, const Found& found, const Place& place, const Shown& shown) {
  out += "<VALUE.OBJECTWITHPATH>";
  write_instance_path(out, found.path, place);
  write_instance(out, *found.instance, place, shown);
  out += "</VALUE.OBJECTWITHPATH>\n";
}
void write_object_path(std::string& out, const Found& found, const Place& place, const Shown&) {
  out += "<OBJECTPATH>";
  write_instance_path(out, found.path, place);
  out += "</OBJECTPATH>\n";
}
void write_found_instance(std::string& out, const Found& found, const Place& place, const Shown& shown) {
  write_instance(out, *found.instance, place, shown);
  out += "\n";
}

Produced produce(std::unique_ptr<Cursor> cursor, WriteFound write, Place place, Shown shown) {
  Produced out;
  out.head = "<IRETURNVALUE>\n";
  out.items = std::make_unique<CursorItems>(std::move(cursor), write, std::move(place), std::move(shown));
  out.tail = "</IRETURNVALUE>";
  return out;
}

Produced produce(std::string return_value) {
  Produced out;
  out.head = "<IRETURNVALUE>\n" + std::move(return_value) + "</IRETURNVALUE>";
  return out;
}

}  // namespace lockstep::cim
