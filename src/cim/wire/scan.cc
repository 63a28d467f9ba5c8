#include "cim/wire/scan.h"

#include <array>
#include <charconv>
#include <vector>

#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool starts_name(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == ':' || static_cast<unsigned char>(c) >= 0x80; }
bool in_name(char c) { return starts_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

bool allowed(std::uint32_t code) {
  return code == 9 || code == 10 || code == 13 || (code >= 0x20 && code < 0xD800) || (code >= 0xE000 && code < 0xFFFE) || (code >= 0x10000 && code <= 0x10FFFF);
}

class Scanner {
 public:
  Scanner(std::string_view text, const ScanLimits& limits) : text_(text), limits_(limits) {}

  std::optional<std::string> run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    if (rest().starts_with("<?xml") && text_.size() > at_ + 5 && blank(text_[at_ + 5])) declaration();
    while (!fault_ && at_ < text_.size()) {
      if (text_[at_] == '<') markup();
      else if (open_.empty()) outside();
      else characters();
    }
    if (!fault_ && !open_.empty()) wrong("an element is not closed");
    if (!fault_ && roots_ != 1) wrong("there is no element");
    return fault_;
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  void wrong(std::string what) {
    if (!fault_) fault_ = std::move(what) + " at byte " + std::to_string(at_);
  }
  bool at_end() const { return at_ >= text_.size(); }
  void skip_blanks() {
    while (!at_end() && blank(text_[at_])) ++at_;
  }
  std::string_view name() {
    std::size_t from = at_;
    if (at_end() || !starts_name(text_[at_])) return {};
    while (!at_end() && in_name(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }
  // Past `end`, or a fault.
  std::string_view until(std::string_view end, const char* what) {
    std::size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) {
      wrong(what);
      return {};
    }
    std::string_view inside = text_.substr(at_, found - at_);
    at_ = found + end.size();
    return inside;
  }

  void declaration() {
    at_ += 5;
    std::string said = lower(until("?>", "the declaration is not closed"));
    std::size_t encoding = said.find("encoding");
    if (encoding == std::string::npos) return;
    if (said.find("utf-8", encoding) == std::string::npos && said.find("us-ascii", encoding) == std::string::npos) wrong("the encoding is not UTF-8");
  }

  void markup() {
    std::string_view here = rest();
    if (here.starts_with("<!--")) {
      at_ += 4;
      if (until("--", "a comment is not closed"); fault_) return;
      if (at_end() || text_[at_] != '>') return wrong("a comment has two dashes in it");
      ++at_;
    } else if (here.starts_with("<![CDATA[")) {
      if (open_.empty()) return wrong("there is text outside of the element");
      at_ += 9;
      until("]]>", "CDATA is not closed");
    } else if (here.starts_with("<?")) {
      at_ += 2;
      std::string_view target = name();
      if (target.empty() || lower(target) == "xml") return wrong("a processing instruction has no name that it may have");
      until("?>", "a processing instruction is not closed");
    } else if (here.starts_with("<!DOCTYPE")) {
      document_type();
    } else if (here.starts_with("</")) {
      at_ += 2;
      std::string_view closed = name();
      skip_blanks();
      if (open_.empty() || closed != open_.back() || at_end() || text_[at_] != '>') return wrong("an element ends that did not begin");
      ++at_;
      open_.pop_back();
    } else {
      ++at_;
      element();
    }
  }

  // Names a document type at most: nothing is declared in it, nothing is fetched.
  void document_type() {
    if (roots_ > 0 || typed_) return wrong("a document type is in the wrong place");
    typed_ = true;
    std::size_t from = at_;
    std::string_view inside = until(">", "the document type is not closed");
    if (inside.find('[') != std::string_view::npos) {
      at_ = from;
      wrong("a document type with declarations is not taken");
    }
  }

  void element() {
    std::string_view tag = name();
    if (tag.empty()) return wrong("there is a '<' that begins nothing");
    if (open_.empty() && ++roots_ > 1) return wrong("there is a second element");
    if (++elements_ > limits_.elements_most) return wrong("there are too many elements");
    std::array<std::string_view, 32> seen;
    std::size_t attributes = 0;
    while (true) {
      bool apart = !at_end() && blank(text_[at_]);
      skip_blanks();
      if (at_end()) return wrong("a tag is not closed");
      if (text_[at_] == '>' || text_[at_] == '/') break;
      std::string_view attribute = name();
      if (attribute.empty() || !apart) return wrong("a tag is malformed");
      for (std::size_t i = 0; i < attributes; ++i)
        if (seen[i] == attribute) return wrong("an attribute is there twice");
      if (attributes >= limits_.attributes_most || attributes >= seen.size()) return wrong("an element has too many attributes");
      seen[attributes++] = attribute;
      attribute_value();
      if (fault_) return;
    }
    bool empty = text_[at_] == '/';
    if (empty) ++at_;
    if (at_end() || text_[at_] != '>') return wrong("a tag is malformed");
    ++at_;
    if (empty) return;
    open_.push_back(tag);
    if (open_.size() > limits_.depth_most) wrong("elements are nested too deep");
  }

  void attribute_value() {
    skip_blanks();
    if (at_end() || text_[at_] != '=') return wrong("an attribute has no value");
    ++at_;
    skip_blanks();
    if (at_end() || (text_[at_] != '"' && text_[at_] != '\'')) return wrong("an attribute's value is not quoted");
    char quote = text_[at_++];
    while (!fault_ && !at_end() && text_[at_] != quote) {
      if (text_[at_] == '<') return wrong("there is a '<' in an attribute");
      character();
    }
    if (fault_) return;
    if (at_end()) return wrong("an attribute's value is not closed");
    ++at_;
  }

  void outside() {
    if (!blank(text_[at_])) return wrong("there is text outside of the element");
    ++at_;
  }

  void characters() {
    while (!fault_ && !at_end() && text_[at_] != '<') {
      if (rest().starts_with("]]>")) return wrong("there is a ']]>' in text");
      character();
    }
  }

  void character() {
    if (text_[at_] == '&') return entity();
    ++at_;
  }

  void entity() {
    std::size_t end = text_.find(';', at_);
    if (end == std::string_view::npos || end - at_ > 12) return wrong("there is an '&' that begins nothing");
    std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (inside.starts_with('#')) {
      inside.remove_prefix(1);
      int base = inside.starts_with('x') ? 16 : 10;
      if (base == 16) inside.remove_prefix(1);
      std::uint32_t code = 0;
      auto [stopped, fault] = std::from_chars(inside.data(), inside.data() + inside.size(), code, base);
      if (fault != std::errc() || stopped != inside.data() + inside.size() || !allowed(code)) return wrong("there is a reference to no character");
    } else if (inside != "lt" && inside != "gt" && inside != "amp" && inside != "quot" && inside != "apos") {
      return wrong("there is an entity that is not declared");
    }
    at_ = end + 1;
  }

  std::string_view text_;
  const ScanLimits& limits_;
  std::size_t at_ = 0;
  std::vector<std::string_view> open_;
  std::size_t elements_ = 0;
  std::size_t roots_ = 0;
  bool typed_ = false;
  std::optional<std::string> fault_;
};

}  // namespace

std::optional<std::string> fault_in_xml(std::string_view text, const ScanLimits& limits) {
  if (text.size() > limits.bytes_most) return "the message has more than " + std::to_string(limits.bytes_most) + " bytes";
  if (!good_utf8(text)) return "the message is not UTF-8";
  for (char c : text)
    if (!allowed(static_cast<unsigned char>(c))) return "there is a character that XML does not have";
  return Scanner(text, limits).run();
}

}  // namespace lockstep::cim
