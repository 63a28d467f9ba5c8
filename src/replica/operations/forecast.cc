// Forecasts: what an operation would do, before anything is done.
#include "replica/group/ledger.h"
#include "replica/model/states.h"
#include "replica/operations/operations.h"

namespace lockstep::replica {
namespace {

rt::Task<std::string> name_on(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  co_return row == nullptr ? std::string() : row->name;
}

// Of this end's group; the relationship's where its pool is not open.
rt::Task<std::string> group_name(const Entry& entry) {
  pool::Pool* pool = entry.source.pool != nullptr ? entry.source.pool : entry.target.pool;
  if (pool == nullptr && entry.near) pool = entry.near->pool;
  if (pool == nullptr) co_return entry.kept.name;
  GroupId group = entry.kept.group;
  std::string name = co_await rt::run_on(pool->loop(), name_on(*pool, group));
  co_return name.empty() ? entry.kept.name : name;
}

std::string seconds(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
}

}  // namespace

rt::Task<Operations::Counted> Operations::count(EntryRef entry, End winner, Result<Outcome> here, Result<Outcome> there) {
  Counted out;
  if (!here || !there) co_return out;
  Order measure;
  measure.step = Step::look;
  measure.measure = true;
  measure.other = there->past;
  Order back = measure;
  back.other = here->past;
  here = co_await ask(entry, End::source, std::move(measure));
  there = co_await ask(entry, End::target, std::move(back));
  out.reached = here && there;
  if (!out.reached) co_return out;
  const Outcome& winning = winner == End::source ? *here : *there;
  const Outcome& losing = winner == End::source ? *there : *here;
  out.winner_knows = winning.changed.has_value();
  out.overwritten = losing.changed;
  if (winning.changed && losing.changed) {
    out.travel = *winning.changed + *losing.changed;
    co_return out;
  }
  Order all;
  all.step = Step::look;
  all.measure_all = true;
  Result<Outcome> held = co_await ask(entry, winner, std::move(all));
  if (held) out.at_most = held->allocated;
  co_return out;
}

rt::Task<Result<Forecast>> Operations::forecast(EntryRef entry, Operation operation) {
  co_await roster_.refresh(entry);
  Report now = roster_.report_of(*entry);
  Result<Cell> cell = check(entry->kept.sync_type, operation, now.copy_state, true);
  if (!cell) co_return fail(cell.error().in("relationship '" + entry->kept.name + "'"));
  std::string mine = co_await group_name(*entry);
  mine = ground_.self.name + "/" + mine;
  std::string theirs = peers_.name_of(entry->kept.peer) + "/" + entry->kept.peer_group;
  bool source_here = entry->kept.end == End::source;
  std::string source = source_here ? mine : theirs;
  std::string target = source_here ? theirs : mine;
  Forecast out;
  out.direction = source + " -> " + target;
  if (cell->kind == Cell::Kind::no_op) {
    out.steps.push_back("nothing: it is there already");
    co_return out;
  }
  bool backwards = operation == Operation::failback || operation == Operation::restore_from_replica ||
                   (operation == Operation::reverse_roles && now.copy_state != CopyState::synchronized);
  bool overwrites = backwards || operation == Operation::resync_replica;
  bool sends = overwrites || operation == Operation::resume || operation == Operation::activate;
  const std::string& winner = backwards ? target : source;
  const std::string& loser = backwards ? source : target;
  out.direction = winner + " -> " + loser;
  if (overwrites) out.steps.push_back("keep what only " + loser + " has as a snapshot there");
  Result<Outcome> here = co_await simple(entry, End::source, Step::look);
  Result<Outcome> there = co_await simple(entry, End::target, Step::look);
  if (entry->near && overwrites) {
    out.steps.push_back("make the volumes of " + loser + " what " + winner + " is now; no block is copied");
  } else if (sends && !entry->near) {
    Counted counted = co_await count(entry, backwards ? End::target : End::source, here, there);
    out.bytes = counted.travel;
    out.bytes_at_most = counted.at_most;
    out.overwritten = counted.overwritten;
    if (!counted.reached) {
      out.warnings.push_back("one end is out of reach: how much would travel is not known");
    } else if (counted.travel) {
      out.steps.push_back("send the blocks that either side changed since they parted");
    } else {
      out.steps.push_back("compare both ends, and send the blocks that differ");
      out.warnings.push_back("how much would travel is not known: neither journal nor map of " + (counted.winner_knows ? loser : winner) +
                             " tells any more what changed there; at most it is what " + winner + " holds");
    }
  }
  if (backwards && !entry->near) out.steps.push_back("change roles when both are level");
  if (operation == Operation::failover) {
    out.direction = target + " takes over from " + source;
    if (here) {
      out.bytes = now.backlog;
      out.steps = {"wait until the target has all that was written", "close " + source + " to hosts",
                   "open " + target + " to hosts"};
    } else {
      bool promised = entry->kept.settings.mode == Mode::synchronous &&
                      entry->kept.settings.on_link_loss == LinkLoss::stop &&
                      entry->kept.when_synchronized.us != 0;
      out.steps = {"open " + target + " to hosts at its position"};
      std::vector<std::string> ahead = co_await siblings_ahead(entry);
      for (std::string& text : ahead) out.warnings.push_back(std::move(text));
      out.warnings.push_back("the source is out of reach: " + here.error().message);
      out.warnings.push_back(
          promised ? std::string("nothing that was answered is lost: Synchronous with policy stop")
                   : "last contact " +
                         (now.last_contact ? seconds(std::chrono::microseconds(
                                                 ground_.host.clock().wall().us - now.last_contact->us)) +
                                                 " ago"
                                           : std::string("unknown")) +
                         "; what was written since, and up to " + seconds(now.lag) +
                         " before, stays on the source");
    }
  }
  if (out.steps.empty())
    out.steps.push_back(std::string(name_of(operation)) + ": CopyState " +
                        std::string(name_of(now.copy_state)) + " -> " + text_of(*cell));
  co_return out;
}

}  // namespace lockstep::replica
