// Call: one operation on its way; the table says which function does it. Private to cim.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cim/ops/answer.h"
#include "cim/ops/cursor.h"
#include "cim/ops/parameters.h"
#include "cim/wire/write.h"
#include "manage/manage.h"

namespace lockstep::cim {

class Pulls;
class Subscriptions;

struct Parts {
  rt::Loop& loop;
  manage::System& system;
  Provider& provider;
  Pulls& pulls;
  Subscriptions& subscriptions;
};

struct Call {
  Parts& parts;
  const RawCall& raw;
  manage::Caller caller;
  std::string_view name_space;     // as the schema spells it
  Place place;                     // as the client does
};

using Operation = rt::Task<CimAnswer<Produced>> (*)(Call& call);
struct NamedOperation {
  std::string_view name;
  Operation run;
};

[[nodiscard]] std::span<const NamedOperation> instance_operations();
[[nodiscard]] std::span<const NamedOperation> change_operations();
[[nodiscard]] std::span<const NamedOperation> association_operations();
[[nodiscard]] std::span<const NamedOperation> class_operations();
[[nodiscard]] std::span<const NamedOperation> query_operations();
[[nodiscard]] std::span<const NamedOperation> open_operations();
[[nodiscard]] std::span<const NamedOperation> pull_operations();

// The operation or method that `call.raw` names; CIM_ERR_NOT_SUPPORTED when there is none.
rt::Task<CimAnswer<Produced>> perform(Call& call);
rt::Task<CimAnswer<Produced>> invoke_method(Call& call);

// What the system and the subscriptions look like now.
rt::Task<Look> look_now(Call& call);

// A class of this name space, or CIM_ERR_INVALID_CLASS.
[[nodiscard]] CimAnswer<const Class*> class_here(const Call& call, std::string_view name);
// The same for an instance name or path; its own name space, if it has one, must be this one.
[[nodiscard]] CimAnswer<ObjectPath> path_here(const Call& call, const RawPath& raw);

// Do the classes that a filter names exist?
[[nodiscard]] CimAnswer<> known_classes(const AssociationFilter& filter);

// How one object is written.
using WriteFound = void (*)(std::string& out, const Found& found, const Place& place, const Shown& shown);
void write_named_instance(std::string& out, const Found& found, const Place& place, const Shown& shown);        // VALUE.NAMEDINSTANCE
void write_found_name(std::string& out, const Found& found, const Place& place, const Shown& shown);            // INSTANCENAME
void write_instance_with_path(std::string& out, const Found& found, const Place& place, const Shown& shown);    // VALUE.INSTANCEWITHPATH
void write_found_path(std::string& out, const Found& found, const Place& place, const Shown& shown);            // INSTANCEPATH
void write_object_with_path(std::string& out, const Found& found, const Place& place, const Shown& shown);      // VALUE.OBJECTWITHPATH
void write_object_path(std::string& out, const Found& found, const Place& place, const Shown& shown);           // OBJECTPATH
void write_found_instance(std::string& out, const Found& found, const Place& place, const Shown& shown);        // INSTANCE

// IRETURNVALUE around everything that the cursor finds.
[[nodiscard]] Produced produce(std::unique_ptr<Cursor> cursor, WriteFound write, Place place, Shown shown);
[[nodiscard]] Produced produce(std::string return_value);   // IRETURNVALUE around this

}  // namespace lockstep::cim
