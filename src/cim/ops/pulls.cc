#include "cim/ops/pulls.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

constexpr std::uint64_t count_most = 2000;            // objects in one answer, whatever is asked for
constexpr std::size_t bytes_enough = 4u << 20;        // and no more objects from here on

std::string made_up_context(os::Random& random) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(random.u64()), static_cast<unsigned long long>(random.u64()));
  return text.data();
}

}  // namespace

Produced Pulls::take(Open& open, std::uint64_t count, const std::string& context) {
  Produced out;
  out.head = "<IRETURNVALUE>\n";
  for (std::uint64_t taken = 0; taken < std::min(count, count_most) && open.next && out.head.size() < bytes_enough; ++taken) {
    open.write(out.head, *open.next, open.place, open.shown);
    open.next = open.cursor->next();
  }
  bool more = open.next.has_value();
  out.head += "</IRETURNVALUE>";
  write_parameter(out.head, {"EndOfSequence", Type::boolean, false, Value(Scalar(!more))}, open.place);
  write_parameter(out.head, {"EnumerationContext", Type::string, false, more ? Value(Scalar(context)) : Value(Scalar(std::string()))}, open.place);
  return out;
}

CimAnswer<Produced> Pulls::open(Open open, std::uint64_t count) {
  drop_old();
  if (open_.size() >= most_) return cim_error(Status::server_limits_exceeded, "there are " + std::to_string(most_) + " open enumerations; close some, or wait until they time out");
  std::string context = made_up_context(random_);
  open.next = open.cursor->next();
  Produced out = take(open, count, context);
  if (!open.next) return out;
  open.until = loop_.clock().now() + open.rest;
  open_.insert_or_assign(std::move(context), std::move(open));
  set_timer();
  return out;
}

CimAnswer<Pulls::Open*> Pulls::find(const Call& call, const std::string& context) {
  drop_old();
  auto found = open_.find(context);
  if (found == open_.end() || found->second.user != call.caller.user || found->second.name_space != call.name_space)
    return cim_error(Status::invalid_enumeration_context, "there is no such open enumeration; it may have ended or timed out");
  return &found->second;
}

CimAnswer<Produced> Pulls::pull(const Call& call, Kind kind, const std::string& context, std::uint64_t count) {
  TRY(Open* open, find(call, context));
  if (open->kind != kind) return cim_error(Status::invalid_enumeration_context, "this enumeration is pulled with another operation");
  Produced out = take(*open, count, context);
  if (open->next) open->until = loop_.clock().now() + open->rest;
  else open_.erase(context);
  return out;
}

CimAnswer<> Pulls::close(const Call& call, const std::string& context) {
  TRY_VOID(find(call, context));
  open_.erase(context);
  return {};
}

CimAnswer<std::uint64_t> Pulls::remaining(const Call& call, const std::string& context) {
  TRY(Open* open, find(call, context));
  std::uint64_t count = 1;   // the one that was read ahead
  std::unique_ptr<Cursor> rest = open->cursor->clone();
  while (rest->next()) ++count;
  open->until = loop_.clock().now() + open->rest;
  return count;
}

void Pulls::drop_old() {
  Instant now = loop_.clock().now();
  std::erase_if(open_, [&](const auto& one) { return one.second.until <= now; });
}

// The look that an enumeration holds is not kept longer than the enumeration.
void Pulls::set_timer() {
  if (timer_ != 0 || open_.empty()) return;
  Instant first = open_.begin()->second.until;
  for (const auto& [context, open] : open_) first = std::min(first, open.until);
  timer_ = loop_.at(first, [this] {
    timer_ = 0;
    drop_old();
    set_timer();
  });
}

}  // namespace lockstep::cim
