// Invocation: one method call on its way: who asks, on what, with which arguments; and how an answer is put together. Private to cim.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cim/model/discoveries.h"
#include "cim/model/frozen.h"
#include "manage/manage.h"

namespace lockstep::cim::model {

// Arguments by name. They have the types of the schema already; absent and NULL are the same.
class Arguments {
 public:
  explicit Arguments(std::vector<NamedValue> in) : in_(std::move(in)) {}
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
  [[nodiscard]] std::optional<bool> flag(std::string_view name) const;
  [[nodiscard]] const ObjectPath* reference(std::string_view name) const;      // nullptr: NULL
  [[nodiscard]] const Instance* instance(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;                          // and is not NULL
  // NULL elements are nullptr. Nothing: NULL.
  [[nodiscard]] std::optional<std::vector<const ObjectPath*>> references(std::string_view name) const;

 private:
  [[nodiscard]] const Scalar* scalar(std::string_view name) const;
  std::vector<NamedValue> in_;
};

struct Invocation {
  manage::System& system;
  Discoveries& discoveries;
  const Frozen& look;                 // as it was when the call came
  manage::Caller caller;
  const Method& method;
  ObjectPath object;
  std::string id;                     // ObjectId of the object
  Arguments in;

  [[nodiscard]] const Facts& facts() const { return look.facts(); }
};

// What comes of a method. A refusal becomes ExtendedStatus; outputs that nobody set are NULL.
struct Done {
  std::uint32_t code = 0;
  std::vector<std::pair<std::string, Value>> out;
  std::optional<manage::Refusal> refusal;

  Done& set(std::string_view name, Value value) {
    out.emplace_back(name, std::move(value));
    return *this;
  }
};
[[nodiscard]] Done refused(manage::Refusal refusal);                       // its own code
[[nodiscard]] Done refused(std::uint32_t code, manage::Refusal refusal);   // a code that only this method has
[[nodiscard]] Done refused(std::uint32_t code, std::string parameter, std::string message, std::string next_step = {});
[[nodiscard]] Done unsupported(std::string object, std::string message, std::string next_step = {});
[[nodiscard]] Done bad(std::string parameter, std::string message, std::string next_step = {});
// 4096 with the job, or 0.
[[nodiscard]] Done done_or_job(const manage::Outcome& outcome);
[[nodiscard]] Done done_or_refused(const manage::Answer<>& answer);

[[nodiscard]] Instance extended_status(const Done& done, const Method& method);
[[nodiscard]] MethodAnswer answer_of(const Method& method, Done done);

using Handler = rt::Task<Done> (*)(Invocation& call);
struct MethodEntry {
  std::string_view class_name, method;
  Handler run;
  bool finds_its_object = false;     // says itself that the object is gone, after what comes first
};
[[nodiscard]] std::span<const MethodEntry> system_methods();
[[nodiscard]] std::span<const MethodEntry> relationship_methods();
[[nodiscard]] std::span<const MethodEntry> job_methods();
[[nodiscard]] std::span<const MethodEntry> pool_methods();
[[nodiscard]] std::span<const MethodEntry> volume_methods();
[[nodiscard]] std::span<const MethodEntry> group_methods();
[[nodiscard]] std::span<const MethodEntry> capabilities_methods();
[[nodiscard]] std::span<const MethodEntry> provider_methods();
[[nodiscard]] std::span<const MethodEntry> discovery_methods();

// nullptr: the method has nothing behind it here.
[[nodiscard]] const MethodEntry* find_entry(std::string_view class_name, std::string_view method);

}  // namespace lockstep::cim::model
