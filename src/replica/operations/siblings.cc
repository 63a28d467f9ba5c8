// Siblings that are further ahead than the end that is about to be opened.
#include "replica/group/ledger.h"
#include "replica/operations/operations.h"
#include "replica/wire/convert.h"
#include "replica/wire/siblings.h"

namespace lockstep::replica {
namespace {

constexpr Duration ask_most = std::chrono::seconds(3);

// On the pool's loop.
rt::Task<Past> past_there(pool::Pool& pool, GroupId group) { co_return past_of(pool, group); }

std::string short_text(Origin o) { return short_text_of(o.generation) + ":" + std::to_string(o.lsn.value); }

}  // namespace

// Asked now where somebody answers; else what the source said last.
rt::Task<std::vector<std::string>> Operations::siblings_ahead(EntryRef entry) {
  std::vector<std::string> out;
  if (!entry->target.end) co_return out;
  pool::Pool& pool = *entry->target.pool;
  GroupId group = entry->local(ground_.self.id) ? entry->far.group : entry->kept.group;
  Past here = co_await rt::run_on(pool.loop(), past_there(pool, group));
  std::vector<Sibling> siblings = entry->kept.siblings;
  for (const Sibling& sibling : siblings) {
    Past there{here.history, sibling.position};
    bool asked = false;
    if (peers_.find(sibling.system) != nullptr) {
      wire::Request request;
      request.mutable_stand()->set_relationship(bytes_of(sibling.relationship));
      SystemId system = sibling.system;
      Duration at_most = ask_most;
      Result<wire::Reply> reply = co_await peers_.call(system, std::move(request), at_most);
      Result<Past> past = reply ? past_from(reply->stand().past()) : Result<Past>(fail(reply.error()));
      asked = past.has_value();
      if (past) there = std::move(*past);
    }
    if (!is_ahead(here, there)) continue;
    out.push_back("group '" + sibling.group + "' of system '" + peers_.name_of(sibling.system) + "' (relationship '" + sibling.name +
                  "') is further ahead: it is " + (asked ? "at " : "known to have been at ") + short_text(there.position) +
                  ", this end at " + short_text(here.position) +
                  ". Fail over there instead; or let it follow this end, and what only it has is kept there as a snapshot");
  }
  co_return out;
}

}  // namespace lockstep::replica
