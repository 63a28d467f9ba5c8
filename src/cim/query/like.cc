#include "cim/query/like.h"

#include <string>
#include <vector>

#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

// One character's place in a pattern; `many`: any number of it, none too.
struct Piece {
  bool any = false, many = false, inverted = false;
  std::string among;   // "a-z0": ranges and single ones
};

bool takes(const Piece& piece, char c) {
  if (piece.any) return true;
  bool in = false;
  for (std::size_t i = 0; i < piece.among.size(); ++i) {
    bool range = i + 2 < piece.among.size() && piece.among[i + 1] == '-';
    in = in || (range ? c >= piece.among[i] && c <= piece.among[i + 2] : c == piece.among[i]);
    if (range) i += 2;
  }
  return in != piece.inverted;
}

Piece single(char c) { return {false, false, false, std::string(1, c)}; }

std::size_t bracket(std::string_view pattern, std::size_t at, std::vector<Piece>& into) {
  std::size_t end = pattern.find(']', at + 1);
  if (end == std::string_view::npos) {
    into.push_back(single('['));
    return at;
  }
  Piece piece;
  std::string_view inside = pattern.substr(at + 1, end - at - 1);
  piece.inverted = inside.starts_with('^') || inside.starts_with('!');
  if (piece.inverted) inside.remove_prefix(1);
  piece.among = std::string(inside);
  into.push_back(std::move(piece));
  return end;
}

std::vector<Piece> pieces_of(std::string_view pattern, Language language) {
  std::vector<Piece> out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '[') i = bracket(pattern, i, out);
    else if (c == '\\' && i + 1 < pattern.size()) out.push_back(single(pattern[++i]));
    else if (language == Language::wql && (c == '%' || c == '_')) out.push_back({true, c == '%', false, ""});
    else if (language != Language::wql && c == '.') out.push_back({true, false, false, ""});
    else if (language != Language::wql && c == '*' && !out.empty()) out.back().many = true;
    else out.push_back(single(c));
  }
  return out;
}

}  // namespace

bool is_like(std::string_view text, std::string_view pattern, Language language) {
  std::string folded = language == Language::wql ? lower(text) : std::string(text);
  std::vector<Piece> pieces = pieces_of(language == Language::wql ? lower(pattern) : std::string(pattern), language);
  // reached[k]: the text so far is matched by the first k pieces.
  std::vector<bool> reached(pieces.size() + 1);
  auto skip_many = [&] {
    for (std::size_t k = 0; k < pieces.size(); ++k)
      if (reached[k] && pieces[k].many) reached[k + 1] = true;
  };
  reached[0] = true;
  skip_many();
  for (char c : folded) {
    std::vector<bool> after(pieces.size() + 1);
    for (std::size_t k = 0; k < pieces.size(); ++k) {
      if (!reached[k] || !takes(pieces[k], c)) continue;
      after[pieces[k].many ? k : k + 1] = true;
    }
    reached = std::move(after);
    skip_many();
  }
  return reached.back();
}

}  // namespace lockstep::cim
