#include "cim/query/lexer.h"

#include <array>
#include <utility>

namespace lockstep::cim {

namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

class Lexer {
 public:
  explicit Lexer(std::string_view query) : query_(query) {}

  std::expected<std::vector<Token>, std::string> run() {
    while (true) {
      while (at_ < query_.size() && blank(query_[at_])) ++at_;
      if (at_ >= query_.size()) break;
      char c = query_[at_];
      if (letter(c)) word();
      else if (digit(c) || ((c == '-' || c == '+' || c == '.') && at_ + 1 < query_.size() && digit(query_[at_ + 1]) && !after_operand())) number();
      else if (c == '\'' || c == '"') {
        if (!quoted(c)) return std::unexpected("a text that begins at " + std::to_string(tokens_.back().at) + " does not end");
      } else if (!sign()) {
        return std::unexpected("'" + std::string(1, c >= 0x20 && c < 0x7F ? c : '?') + "' at " + std::to_string(at_) + " means nothing here");
      }
    }
    tokens_.push_back({Token::Kind::end, "", query_.size()});
    return std::move(tokens_);
  }

 private:
  // "a.5" is no number: a step may not begin with a digit anyway.
  bool after_operand() const { return query_[at_] == '.' && !tokens_.empty() && tokens_.back().kind == Token::Kind::word; }

  void word() {
    std::size_t from = at_;
    while (at_ < query_.size() && (letter(query_[at_]) || digit(query_[at_]))) ++at_;
    tokens_.push_back({Token::Kind::word, std::string(query_.substr(from, at_ - from)), from});
  }
  void number() {
    std::size_t from = at_++;
    while (at_ < query_.size() && (letter(query_[at_]) || digit(query_[at_]) || query_[at_] == '.' || ((query_[at_] == '-' || query_[at_] == '+') && (query_[at_ - 1] == 'e' || query_[at_ - 1] == 'E')))) ++at_;
    tokens_.push_back({Token::Kind::number, std::string(query_.substr(from, at_ - from)), from});
  }
  bool quoted(char quote) {
    tokens_.push_back({Token::Kind::text, "", at_++});
    std::string& text = tokens_.back().text;
    while (at_ < query_.size()) {
      char c = query_[at_++];
      if (c == '\\' && at_ < query_.size() && (query_[at_] == quote || query_[at_] == '\\')) {
        text += query_[at_++];
      } else if (c == quote) {
        if (at_ >= query_.size() || query_[at_] != quote) return true;
        text += query_[at_++];   // doubled
      } else {
        text += c;
      }
    }
    return false;
  }
  bool sign() {
    static constexpr std::array<std::string_view, 15> signs = {"<>", "!=", "<=", ">=", "::", "<", ">", "=", "(", ")", ",", ".", "*", "[", "]"};
    for (std::string_view one : signs) {
      if (!query_.substr(at_).starts_with(one)) continue;
      tokens_.push_back({Token::Kind::sign, std::string(one), at_});
      at_ += one.size();
      return true;
    }
    return false;
  }

  std::string_view query_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::expected<std::vector<Token>, std::string> tokens_of(std::string_view query) { return Lexer(query).run(); }

}  // namespace lockstep::cim
