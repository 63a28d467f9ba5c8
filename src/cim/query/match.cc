#include <compare>
#include <utility>

#include "cim/query/like.h"
#include "cim/query/query.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

enum class Truth { no, unknown, yes };
Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

using InstanceRef = std::shared_ptr<const Instance>;
using PathRef = std::shared_ptr<const ObjectPath>;

// What a path leads to: nothing when it is not there or NULL. `elements`: of an array, one by one.
struct Found {
  bool is_array = false;
  std::vector<const Scalar*> elements;   // NULL elements are nullptr
};

std::optional<Found> follow(const Instance& from, const Path& path, std::size_t step_at) {
  const Step& step = path[step_at];
  if (!step.class_name.empty()) {
    const Class* cls = find_class(from.class_name);
    if (!cls || !is_a(*cls, step.class_name)) return std::nullopt;
  }
  const NamedValue* value = from.find(step.name);
  if (!value || value->value.is_null()) return std::nullopt;
  Found found;
  if (const Scalar* scalar = value->value.scalar()) {
    if (step.index == Step::Index::at && step.at > 0) return std::nullopt;
    found.elements.push_back(scalar);
  } else {
    const Value::Array& array = *value->value.array();
    found.is_array = step.index != Step::Index::at;
    for (std::size_t i = 0; i < array.size(); ++i)
      if (found.is_array || i == step.at) found.elements.push_back(std::get_if<Scalar>(&array[i]));
    if (!found.is_array && found.elements.empty()) return std::nullopt;
  }
  if (step_at + 1 == path.size()) return found;
  Found below;
  below.is_array = found.is_array;
  for (const Scalar* element : found.elements) {
    const InstanceRef* inside = element ? std::get_if<InstanceRef>(element) : nullptr;
    if (!inside || !*inside) continue;
    auto more = follow(**inside, path, step_at + 1);
    if (!more) continue;
    below.is_array = below.is_array || more->is_array;
    below.elements.insert(below.elements.end(), more->elements.begin(), more->elements.end());
  }
  if (below.elements.empty() && !below.is_array) return std::nullopt;
  return below;
}

std::optional<Found> look_up(const Operand& operand, const Instance& instance) {
  if (!operand.path.empty()) return follow(instance, operand.path, 0);
  const Scalar* scalar = operand.literal.scalar();
  if (!scalar) return std::nullopt;
  Found found;
  found.elements.push_back(scalar);
  return found;
}

std::partial_ordering reversed(std::partial_ordering order) { return 0 <=> order; }

std::partial_ordering order_of_numbers(const Scalar& a, const Scalar& b) {
  const auto* ua = std::get_if<std::uint64_t>(&a);
  const auto* sa = std::get_if<std::int64_t>(&a);
  const auto* ub = std::get_if<std::uint64_t>(&b);
  const auto* sb = std::get_if<std::int64_t>(&b);
  if (ua && ub) return *ua <=> *ub;
  if (sa && sb) return *sa <=> *sb;
  if (sa && ub) return *sa < 0 ? std::partial_ordering::less : std::partial_ordering(static_cast<std::uint64_t>(*sa) <=> *ub);
  if (ua && sb) return reversed(order_of_numbers(b, a));
  auto real = [](const Scalar& s) {
    if (const auto* d = std::get_if<double>(&s)) return *d;
    if (const auto* u = std::get_if<std::uint64_t>(&s)) return static_cast<double>(*u);
    return static_cast<double>(std::get<std::int64_t>(s));
  };
  return real(a) <=> real(b);
}

bool is_number(const Scalar& s) { return std::holds_alternative<std::uint64_t>(s) || std::holds_alternative<std::int64_t>(s) || std::holds_alternative<double>(s); }

// Nothing when the two cannot be compared.
std::optional<std::partial_ordering> order_of(const Scalar& a, const Scalar& b, Language language) {
  if (is_number(a) && is_number(b)) return order_of_numbers(a, b);
  if (const auto* x = std::get_if<bool>(&a))
    if (const auto* y = std::get_if<bool>(&b)) return *x <=> *y;
  if (const auto* x = std::get_if<PathRef>(&a))
    if (const auto* y = std::get_if<PathRef>(&b)) {
      if (!*x || !*y) return std::nullopt;
      return key_of(**x) == key_of(**y) ? std::partial_ordering::equivalent : std::partial_ordering::unordered;
    }
  auto is_text = [](const Scalar& s) { return std::holds_alternative<std::string>(s) || std::holds_alternative<DateTime>(s); };
  if (!is_text(a) || !is_text(b)) return std::nullopt;
  if (language == Language::wql) return lower(text_of(a)) <=> lower(text_of(b));
  return text_of(a) <=> text_of(b);
}

Truth compare(const Scalar* a, const Scalar* b, Condition::Relation relation, Language language) {
  if (!a || !b) return Truth::unknown;
  auto order = order_of(*a, *b, language);
  if (!order) return Truth::unknown;
  switch (relation) {
    case Condition::Relation::equal: return truth(*order == 0);
    case Condition::Relation::unequal: return truth(*order != 0);
    case Condition::Relation::less: return truth(*order < 0);
    case Condition::Relation::less_equal: return truth(*order <= 0);
    case Condition::Relation::greater: return truth(*order > 0);
    case Condition::Relation::greater_equal: return truth(*order >= 0);
  }
  return Truth::unknown;
}

// One of many, or every one of them.
template <class F>
Truth over(const Found& found, bool every, F&& test) {
  Truth out = every ? Truth::yes : Truth::no;
  for (const Scalar* element : found.elements) {
    Truth one = test(element);
    out = every ? std::min(out, one) : std::max(out, one);
  }
  return out;
}

// Arrays against arrays are compared whole: that is how a filter asks whether one has changed.
Truth compare_arrays(const Found& a, const Found& b, Condition::Relation relation, Language language) {
  if (relation != Condition::Relation::equal && relation != Condition::Relation::unequal) return Truth::unknown;
  bool equal = a.elements.size() == b.elements.size();
  for (std::size_t i = 0; equal && i < a.elements.size(); ++i)
    equal = (!a.elements[i] && !b.elements[i]) || compare(a.elements[i], b.elements[i], Condition::Relation::equal, language) == Truth::yes;
  return truth(equal == (relation == Condition::Relation::equal));
}

bool literal_null(const Operand& operand) { return operand.path.empty() && operand.literal.is_null(); }

Truth compared(const Condition& condition, const Instance& instance, Language language) {
  auto left = look_up(condition.left, instance);
  auto right = look_up(condition.right, instance);
  // "x = NULL" is how WQL says IS NULL.
  if (language == Language::wql && (literal_null(condition.left) || literal_null(condition.right)))
    return truth((left.has_value() || right.has_value()) == (condition.relation == Condition::Relation::unequal));
  if (!left || !right) return Truth::unknown;
  if (left->is_array && right->is_array) return compare_arrays(*left, *right, condition.relation, language);
  return over(*left, condition.every, [&](const Scalar* a) {
    return over(*right, condition.every, [&](const Scalar* b) { return compare(a, b, condition.relation, language); });
  });
}

bool is_instance_of(const Scalar* scalar, const std::string& class_name) {
  std::string own;
  if (const auto* inside = scalar ? std::get_if<InstanceRef>(scalar) : nullptr; inside && *inside) own = (*inside)->class_name;
  if (const auto* path = scalar ? std::get_if<PathRef>(scalar) : nullptr; path && *path) own = (*path)->class_name;
  const Class* cls = find_class(own);
  return cls && is_a(*cls, class_name);
}

Truth evaluate(const Condition& condition, const Instance& instance, Language language) {
  switch (condition.kind) {
    case Condition::Kind::both: {
      Truth out = Truth::yes;
      for (const Condition& part : condition.parts) out = std::min(out, evaluate(part, instance, language));
      return out;
    }
    case Condition::Kind::either: {
      Truth out = Truth::no;
      for (const Condition& part : condition.parts) out = std::max(out, evaluate(part, instance, language));
      return out;
    }
    case Condition::Kind::no: {
      Truth inside = evaluate(condition.parts.front(), instance, language);
      return inside == Truth::yes ? Truth::no : inside == Truth::no ? Truth::yes : Truth::unknown;
    }
    case Condition::Kind::is_null: return truth(!look_up(condition.left, instance));
    case Condition::Kind::compare: return compared(condition, instance, language);
    case Condition::Kind::is_a: {
      auto found = look_up(condition.left, instance);
      if (!found) return Truth::unknown;
      return over(*found, condition.every, [&](const Scalar* element) { return truth(is_instance_of(element, condition.text)); });
    }
    case Condition::Kind::like: {
      auto found = look_up(condition.left, instance);
      if (!found) return Truth::unknown;
      return over(*found, condition.every, [&](const Scalar* element) {
        const auto* text = element ? std::get_if<std::string>(element) : nullptr;
        return text ? truth(is_like(*text, condition.text, language)) : Truth::unknown;
      });
    }
  }
  return Truth::unknown;
}

}  // namespace

bool matches(const Query& query, const Instance& instance) {
  const Class* cls = find_class(instance.class_name);
  if (!cls || !is_a(*cls, query.from)) return false;
  return query.where.empty() || evaluate(query.where.front(), instance, query.language) == Truth::yes;
}

}  // namespace lockstep::cim
