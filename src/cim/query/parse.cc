// query     := SELECT (* | column {, column}) FROM class [AS alias] [WHERE condition]
// condition := all {OR all};   all := one {AND one};   one := NOT one | ( condition ) | [ANY|EVERY] operand test
// test      := relation operand | ISA class | LIKE text | IS [NOT] NULL | [NOT] ISA | [NOT] LIKE
#include <charconv>
#include <utility>

#include "cim/query/lexer.h"
#include "cim/query/query.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

constexpr std::size_t query_bytes_most = 16384;
constexpr unsigned depth_most = 64;

class Parser {
 public:
  Parser(Language language, std::vector<Token> tokens) : tokens_(std::move(tokens)) { query_.language = language; }

  CimAnswer<Query> whole() {
    if (!take_word("SELECT")) return wrong("SELECT is missing");
    if (!columns()) return wrong("what is selected is * or a list of properties");
    if (!take_word("FROM")) return wrong("FROM is missing");
    if (here().kind != Token::Kind::word) return wrong("the class is missing");
    query_.from = next().text;
    if (take_word("AS")) {
      if (here().kind != Token::Kind::word) return wrong("the alias is missing");
      alias_ = next().text;
    } else if (here().kind == Token::Kind::word && !is_word("WHERE")) {
      alias_ = next().text;
    }
    if (take_word("WHERE")) return condition_to_the_end();
    if (here().kind != Token::Kind::end) return wrong("WHERE or the end is expected");
    return finish();
  }

  CimAnswer<Query> filter(std::string class_name) {
    query_.from = std::move(class_name);
    return condition_to_the_end();
  }

 private:
  const Token& here() const { return tokens_[at_]; }
  Token& next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool is_word(std::string_view word) const { return here().kind == Token::Kind::word && same_name(here().text, word); }
  bool take_word(std::string_view word) {
    if (!is_word(word)) return false;
    next();
    return true;
  }
  bool take_sign(std::string_view sign) {
    if (here().kind != Token::Kind::sign || here().text != sign) return false;
    next();
    return true;
  }
  bool fail(std::string what) {
    if (fault_.empty()) fault_ = std::move(what) + (here().kind == Token::Kind::end ? " at the end" : " at '" + here().text.substr(0, 64) + "', byte " + std::to_string(here().at));
    return false;
  }
  std::unexpected<CimError> wrong(std::string what) {
    fail(std::move(what));
    return cim_error(Status::invalid_query, fault_);
  }

  CimAnswer<Query> condition_to_the_end() {
    Condition where;
    if (!condition(where, 0)) return wrong("the condition is wrong");
    if (here().kind != Token::Kind::end) return wrong("AND, OR or the end is expected");
    query_.where.push_back(std::move(where));
    return finish();
  }
  CimAnswer<Query> finish() {
    const Class* cls = find_class(query_.from);
    if (!cls) return cim_error(Status::invalid_query, "there is no class '" + query_.from + "'");
    for (const std::string& column : query_.columns)
      if (!known(*cls, column)) return cim_error(Status::invalid_query, query_.from + " has no property '" + column + "'");
    for (const std::string& name : first_steps_)
      if (!known(*cls, name)) return cim_error(Status::invalid_query, query_.from + " has no property '" + name + "'");
    return std::move(query_);
  }
  // Of the class or of one below it: the instances may be of those.
  static bool known(const Class& cls, const std::string& property) {
    if (find_property(cls, property)) return true;
    for (const Class& below : all_classes())
      if (is_a(below, cls.name) && find_property(below, property)) return true;
    return false;
  }

  bool columns() {
    if (take_sign("*")) return true;
    query_.all = false;
    do {
      Path path;
      if (!path_here(path)) return false;
      if (path.empty()) {   // alias.*
        query_.all = true;
        continue;
      }
      if (path.size() > 1 || path[0].index != Step::Index::none) return fail("a column is to be a property of the class itself");
      query_.columns.push_back(path[0].name);
    } while (take_sign(","));
    return true;
  }

  bool condition(Condition& into, unsigned depth) { return joined(into, depth, Condition::Kind::either); }

  bool joined(Condition& into, unsigned depth, Condition::Kind kind) {
    if (depth > depth_most) return fail("conditions are nested too deep");
    Condition first;
    auto part = [&](Condition& one) { return kind == Condition::Kind::either ? joined(one, depth, Condition::Kind::both) : one_condition(one, depth); };
    if (!part(first)) return false;
    std::string_view word = kind == Condition::Kind::either ? "OR" : "AND";
    if (!is_word(word)) {
      into = std::move(first);
      return true;
    }
    into.kind = kind;
    into.parts.push_back(std::move(first));
    while (take_word(word)) {
      Condition other;
      if (!part(other)) return false;
      into.parts.push_back(std::move(other));
    }
    return true;
  }

  bool one_condition(Condition& into, unsigned depth) {
    if (take_word("NOT")) {
      if (depth > depth_most) return fail("conditions are nested too deep");
      Condition inside;
      if (!one_condition(inside, depth + 1)) return false;
      into = negated(std::move(inside));
      return true;
    }
    if (take_sign("(")) {
      if (!condition(into, depth + 1)) return false;
      return take_sign(")") || fail("')' is missing");
    }
    if (take_word("EVERY")) into.every = true;
    else take_word("ANY");
    if (!operand(into.left)) return false;
    return test(into);
  }

  bool test(Condition& into) {
    bool no = take_word("NOT");
    if (take_word("ISA")) {
      into.kind = Condition::Kind::is_a;
      if (here().kind != Token::Kind::word && here().kind != Token::Kind::text) return fail("the class of ISA is missing");
      into.text = next().text;
    } else if (take_word("LIKE")) {
      into.kind = Condition::Kind::like;
      if (here().kind != Token::Kind::text) return fail("the pattern of LIKE is missing");
      into.text = next().text;
    } else if (!no && take_word("IS")) {
      into.kind = Condition::Kind::is_null;
      no = take_word("NOT");
      if (!take_word("NULL")) return fail("NULL is missing after IS");
    } else {
      if (no || !relation(into.relation)) return fail("a comparison is missing");
      into.kind = Condition::Kind::compare;
      if (!operand(into.right)) return false;
      if (into.left.path.empty() && into.right.path.empty()) return fail("a comparison names no property");
    }
    if (into.kind != Condition::Kind::compare && into.left.path.empty()) return fail("a property is missing");
    if (no) into = negated(std::move(into));
    return true;
  }

  static Condition negated(Condition inside) {
    Condition out;
    out.kind = Condition::Kind::no;
    out.parts.push_back(std::move(inside));
    return out;
  }

  bool relation(Condition::Relation& into) {
    using Relation = Condition::Relation;
    static constexpr std::pair<std::string_view, Relation> signs[] = {{"=", Relation::equal}, {"<>", Relation::unequal}, {"!=", Relation::unequal}, {"<", Relation::less},
                                                                      {"<=", Relation::less_equal}, {">", Relation::greater}, {">=", Relation::greater_equal}};
    for (const auto& [sign, meaning] : signs)
      if (take_sign(sign)) {
        into = meaning;
        return true;
      }
    return false;
  }

  bool operand(Operand& into) {
    const Token& token = here();
    if (token.kind == Token::Kind::text) {
      into.literal = Value(Scalar(next().text));
      return true;
    }
    if (token.kind == Token::Kind::number) {
      bool real = token.text.find_first_of(".eE") != std::string::npos && !token.text.starts_with("0x") && !token.text.starts_with("0X");
      auto number = scalar_of(real ? Type::real64 : token.text.starts_with('-') ? Type::sint64 : Type::uint64, token.text);
      if (!number) return fail("no number that can be");
      into.literal = Value(*std::move(number));
      next();
      return true;
    }
    if (token.kind != Token::Kind::word) return fail("a property or a value is missing");
    if (is_word("TRUE") || is_word("FALSE")) {
      into.literal = Value(Scalar(is_word("TRUE")));
      next();
      return true;
    }
    if (is_word("NULL")) {
      next();
      return true;
    }
    if (!path_here(into.path)) return false;
    if (into.path.empty()) return fail("a property is missing");
    first_steps_.push_back(into.path.front().name);
    return true;
  }

  // Empty for "alias.*".
  bool path_here(Path& into) {
    do {
      if (take_sign("*")) {
        into.clear();
        return true;
      }
      if (here().kind != Token::Kind::word) return fail("the name of a property is missing");
      Step step;
      step.name = next().text;
      if (take_sign("::")) {
        if (here().kind != Token::Kind::word) return fail("the name of a property is missing");
        step.class_name = std::exchange(step.name, next().text);
      }
      if (take_sign("[") && !index(step)) return false;
      into.push_back(std::move(step));
      if (into.size() > 8) return fail("there are too many steps");
    } while (take_sign("."));
    bool qualified = into.size() > 1 && (same_name(into[0].name, alias_) || same_name(into[0].name, query_.from));
    if (qualified) into.erase(into.begin());
    return true;
  }

  bool index(Step& step) {
    if (take_sign("*")) {
      step.index = Step::Index::all;
    } else {
      const std::string& text = here().text;
      auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), step.at);
      if (here().kind != Token::Kind::number || fault != std::errc() || end != text.data() + text.size()) return fail("an index is missing");
      step.index = Step::Index::at;
      next();
    }
    return take_sign("]") || fail("']' is missing");
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Query query_;
  std::string alias_;
  std::vector<std::string> first_steps_;
  std::string fault_;
};

CimAnswer<std::vector<Token>> cut(std::string_view text) {
  if (text.size() > query_bytes_most) return cim_error(Status::invalid_query, "a query has at most " + std::to_string(query_bytes_most) + " bytes");
  auto tokens = tokens_of(text);
  if (!tokens) return cim_error(Status::invalid_query, std::move(tokens.error()));
  return *std::move(tokens);
}

}  // namespace

std::optional<Language> parse_language(std::string_view name) noexcept {
  for (std::string_view one : {"WQL", "WMI:WQL"})
    if (same_name(name, one)) return Language::wql;
  for (std::string_view one : {"DMTF:CQL", "CIM:CQL", "CQL"})
    if (same_name(name, one)) return Language::cql;
  for (std::string_view one : {"DMTF:FQL", "FQL"})
    if (same_name(name, one)) return Language::fql;
  return std::nullopt;
}

CimAnswer<Query> parse_query(Language language, std::string_view text) {
  auto tokens = cut(text);
  if (!tokens) return std::unexpected(std::move(tokens).error());
  return Parser(language, *std::move(tokens)).whole();
}

CimAnswer<Query> parse_filter(std::string_view text, std::string class_name) {
  auto tokens = cut(text);
  if (!tokens) return std::unexpected(std::move(tokens).error());
  return Parser(Language::fql, *std::move(tokens)).filter(std::move(class_name));
}

}  // namespace lockstep::cim
