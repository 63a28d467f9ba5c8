// Query: SELECT ... FROM ... WHERE ... of WQL and CQL (DSP0202), and the conditions of FQL (DSP0212), over one instance at a time.
// Private to cim.
// Offered:  properties, also of embedded instances (SourceInstance.X, SourceInstance.Class::X), array elements ([n], [*] with ANY or
//           EVERY), comparisons, AND, OR, NOT, ISA, LIKE, IS [NOT] NULL.
// Refuses:  joins, functions, ORDER BY: CIM_ERR_INVALID_QUERY names the place.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cim/provider.h"

namespace lockstep::cim {

enum class Language { wql, cql, fql };
[[nodiscard]] std::optional<Language> parse_language(std::string_view name) noexcept;   // "WQL", "CIM:CQL", "DMTF:FQL" ...

// "SourceInstance" "." "CIM_Job::PercentComplete" "[0]": steps from the instance on.
struct Step {
  enum class Index { none, at, all };
  std::string class_name;      // before "::"; the instance must be one
  std::string name;
  Index index = Index::none;
  std::size_t at = 0;
};
using Path = std::vector<Step>;

struct Operand {
  Path path;                   // or, when empty:
  Value literal;
};

struct Condition {
  enum class Kind { both, either, no, compare, is_a, is_null, like };
  enum class Relation { equal, unequal, less, less_equal, greater, greater_equal };
  Kind kind = Kind::compare;
  std::vector<Condition> parts;          // of both, either, no
  Relation relation = Relation::equal;
  bool every = false;                    // of an array's elements: all must match, not just one
  Operand left, right;
  std::string text;                      // the class of is_a; the pattern of like
};

struct Query {
  Language language = Language::wql;
  std::string from;                      // a class
  bool all = true;                       // SELECT *
  std::vector<std::string> columns;      // else these, by name
  std::vector<Condition> where;          // none or one
};

// CIM_ERR_INVALID_QUERY with the place where it went wrong.
[[nodiscard]] CimAnswer<Query> parse_query(Language language, std::string_view text);
// FQL: a condition over instances of `class_name`.
[[nodiscard]] CimAnswer<Query> parse_filter(std::string_view text, std::string class_name);

// Unknown (a comparison with NULL, a property that is not there) is no match; NOT unknown is unknown.
[[nodiscard]] bool matches(const Query& query, const Instance& instance);

}  // namespace lockstep::cim
