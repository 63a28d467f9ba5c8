#include "cim/schema.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

namespace lockstep::cim {

namespace {

constexpr std::array<std::string_view, 15> type_names = {"boolean", "string", "char16", "uint8", "uint16", "uint32", "uint64", "sint8",
                                                          "sint16", "sint32", "sint64", "real32", "real64", "datetime", "reference"};

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Hash {
  std::size_t operator()(std::string_view name) const noexcept {
    std::size_t h = 14695981039346656037ull;
    for (char c : name) h = (h ^ static_cast<unsigned char>(lower(c))) * 1099511628211ull;
    return h;
  }
};
struct Same {
  bool operator()(std::string_view a, std::string_view b) const noexcept { return same_name(a, b); }
};

// Everything about a class that takes a walk up to its root.
struct Whole {
  const Class* cls = nullptr;
  std::vector<const Property*> properties;
  std::vector<const Method*> methods;
};
using Index = std::unordered_map<std::string_view, Whole, Hash, Same>;

// An overriding member takes the place of what it overrides.
template <class Member>
std::vector<const Member*> merged(std::vector<const Member*> members, std::span<const Member> own) {
  for (const Member& member : own) {
    auto same = std::ranges::find_if(members, [&](const Member* m) { return same_name(m->name, member.name); });
    if (same == members.end()) members.push_back(&member);
    else *same = &member;
  }
  return members;
}

Index make_index() {
  Index index;
  for (const Class& cls : all_classes()) {   // superclasses come first
    static const Whole root;
    auto parent = index.find(cls.superclass);
    const Whole& above = parent == index.end() ? root : parent->second;
    Whole whole{&cls, merged(above.properties, cls.properties), merged(above.methods, cls.methods)};
    index.emplace(cls.name, std::move(whole));
  }
  return index;
}

const Whole* whole_of(std::string_view name) {
  static const Index index = make_index();
  auto found = index.find(name);
  return found == index.end() ? nullptr : &found->second;
}

template <class Member>
const Member* named(std::span<const Member* const> members, std::string_view name) {
  for (const Member* member : members)
    if (same_name(member->name, name)) return member;
  return nullptr;
}

}  // namespace

std::string_view name_of(Type type) noexcept { return type_names.at(static_cast<std::size_t>(type)); }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

const Class* find_class(std::string_view name) noexcept {
  const Whole* whole = whole_of(name);
  return whole ? whole->cls : nullptr;
}

bool is_a(const Class& cls, std::string_view ancestor) noexcept {
  for (const Class* at = &cls; at; at = find_class(at->superclass))
    if (same_name(at->name, ancestor)) return true;
  return false;
}

bool is_in(const Class& cls, std::string_view name_space) noexcept {
  return std::ranges::any_of(cls.name_spaces, [&](std::string_view name) { return same_name(name, name_space); });
}

std::span<const Property* const> properties_of(const Class& cls) { return whole_of(cls.name)->properties; }
std::span<const Method* const> methods_of(const Class& cls) { return whole_of(cls.name)->methods; }
const Property* find_property(const Class& cls, std::string_view name) noexcept { return named(properties_of(cls), name); }
const Method* find_method(const Class& cls, std::string_view name) noexcept { return named(methods_of(cls), name); }

}  // namespace lockstep::cim
