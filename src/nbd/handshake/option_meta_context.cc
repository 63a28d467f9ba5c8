#include "nbd/handshake/options.h"

namespace lockstep::nbd {
namespace {

struct Asked {
  std::string name;
  std::vector<std::string> queries;
};

// "NBD_OPT_LIST_META_CONTEXT": name length, name, number of queries, each with its length; nothing behind.
std::optional<Asked> parse(Span data) {
  Take take(data);
  Asked asked;
  asked.name = std::string(take.text(take.be<std::uint32_t>()));
  auto count = take.be<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && take.ok(); ++i)
    asked.queries.emplace_back(take.text(take.be<std::uint32_t>()));
  if (!take.at_end()) return std::nullopt;
  return asked;
}

bool too_long(const Asked& asked) {
  if (asked.name.size() > string_most) return true;
  for (const std::string& query : asked.queries) {
    if (query.size() > string_most) return true;
  }
  return false;
}

// A query is "namespace:leaf"; without a colon it is no query at all.
bool malformed(const Asked& asked) {
  for (const std::string& query : asked.queries) {
    if (query.find(':') == std::string::npos) return true;
  }
  return false;
}

// LIST: no query means all, and "base:" all of that namespace. SET selects exact names only.
bool selects_base_allocation(const Asked& asked, Opt option) {
  if (option == Opt::list_meta_context && asked.queries.empty()) return true;
  for (const std::string& query : asked.queries) {
    if (query == context_base_allocation || (option == Opt::list_meta_context && query == context_base))
      return true;
  }
  return false;
}

void tell_base_allocation(Negotiation& n, Opt option) {
  Buffer payload(4 + context_base_allocation.size());
  std::uint32_t id = option == Opt::set_meta_context ? context_base_allocation_id : 0;  // reserved in lists
  Put(payload.data()).be(id).text(context_base_allocation);
  n.reply(option, Rep::meta_context, payload);
}

}  // namespace

// NBD_OPT_LIST_META_CONTEXT (9) and NBD_OPT_SET_META_CONTEXT (10). Every SET replaces what was selected, a
// refused one too.
rt::Task<Result<Next>> option_meta_context(Negotiation& n, Opt option, Buffer data) {
  if (option == Opt::set_meta_context) n.context_export.reset();
  std::optional<Asked> asked = parse(data);
  if (!n.structured) {
    n.refuse(option, Rep::err_invalid,
             "metadata contexts need structured replies: send NBD_OPT_STRUCTURED_REPLY first");
  } else if (!asked) {
    n.refuse(option, Rep::err_invalid, "the option's data are not a name and a list of queries");
  } else if (too_long(*asked)) {
    n.refuse(option, Rep::err_too_big, "names and queries have at most 4096 bytes");
  } else if (malformed(*asked)) {
    n.refuse(option, Rep::err_invalid, "a query begins with a namespace and a colon, as in base:allocation");
  } else {
    auto found = co_await n.exports.find(asked->name);
    if (!found) {
      Rep error = found.error().code == Code::not_found ? Rep::err_unknown : Rep::err_platform;
      n.refuse(option, error, std::string_view(found.error().message).substr(0, string_most));
    } else {
      if (selects_base_allocation(*asked, option)) {
        tell_base_allocation(n, option);
        if (option == Opt::set_meta_context) n.context_export = std::move(asked->name);
      }
      n.reply(option, Rep::ack);
    }
  }
  co_return co_await n.send_and_go_on();
}

}  // namespace lockstep::nbd
