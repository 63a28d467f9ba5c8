// Reports: what is true of a relationship, put together from its ends here and the administrator's intent.
#include <algorithm>

#include "replica/roster/roster.h"

namespace lockstep::replica {
namespace {

Progress progress_of(Operation operation) {
  switch (operation) {
    case Operation::abort: return Progress::aborting;
    case Operation::failover:
    case Operation::reverse_roles: return Progress::failing_over;
    case Operation::failback: return Progress::failing_back;
    case Operation::fracture: return Progress::fracturing;
    case Operation::split: return Progress::splitting;
    case Operation::suspend: return Progress::suspending;
    case Operation::resync_replica:
    case Operation::resume: return Progress::resyncing;
    case Operation::restore_from_replica: return Progress::restoring;
    case Operation::prepare:
    case Operation::unprepare: return Progress::preparing;
    case Operation::detach:
    case Operation::dissolve:
    case Operation::return_to_resource_pool: return Progress::detaching;
    case Operation::deactivate: return Progress::dormant;
    default: return Progress::synchronizing;
  }
}

bool stopped(CopyState intent) {
  return intent == CopyState::suspended || intent == CopyState::inactive || intent == CopyState::aborted || intent == CopyState::prepared;
}

std::string lag_text(const Report& report) {
  auto in_seconds = [](Duration d) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(d).count()) + " s";
  };
  std::string out = "the target lacks what was written since " + in_seconds(report.lag) + ", " +
                    std::to_string(report.backlog.value) + " bytes; " +
                    std::to_string(report.bytes_per_second) + " bytes a second are sent";
  return report.rpo_violated ? out + "; the objective is " + std::to_string(report.relationship.settings.rpo_seconds) + " s" : std::string();
}

// A target that holds a state of its source and has not heard from it since it was opened here: it can be failed over.
bool uncalled(const Entry& entry, const Status& status) {
  bool idle = !status.connected && status.flow == CopyState::initialized && status.was_synchronized;
  return idle && entry.source.end == nullptr && entry.target.end != nullptr && !status.taken_over;
}

CopyState open_point(bool skewed) { return skewed ? CopyState::skewed : CopyState::synchronized; }

}  // namespace

// What is intended decides while nothing is meant to flow; else what flows.
CopyState Roster::state_of(const Entry& entry, const Status& status) const {
  CopyState intent = entry.kept.intent;
  if (entry.near && !entry.near->state.there) return CopyState::broken;
  if (intent != CopyState::synchronized) return intent;
  if (uncalled(entry, status)) return CopyState::broken;
  if (!is_point(entry.kept.sync_type)) return status.taken_over ? CopyState::failedover : status.flow;
  if (entry.near && !entry.near->state.open) return CopyState::broken;
  if (entry.near) return open_point(entry.near->state.skewed);
  if (entry.kept.end == End::target) return status.taken_over ? open_point(status.skewed) : status.flow;
  bool skewed = entry.target.end != nullptr && entry.target.status.skewed;
  return is_complete(entry.kept) ? open_point(skewed) : status.flow;
}

Report Roster::report_of(const Entry& entry) const {
  Report out;
  out.relationship = entry.kept;
  bool at_source = entry.source.end != nullptr;
  bool open = at_source || entry.target.end != nullptr || entry.near;
  const bool point = is_point(entry.kept.sync_type);
  const Status& status = at_source ? entry.source.status : entry.target.status;
  out.copy_state = state_of(entry, status);
  out.cause = status.cause;
  if (out.copy_state == CopyState::broken && uncalled(entry, status)) out.cause = "its source has not called since this end was opened";
  if (!open) {
    if (entry.kept.intent == CopyState::synchronized) out.copy_state = CopyState::broken;
    out.cause = entry.trouble ? entry.trouble->message : "the pool that holds this end is not open";
  }
  if (entry.near && out.copy_state == CopyState::broken)
    out.cause = entry.near->state.there ? "its target was closed by an operation that did not end; resync it"
                                        : "its target group is gone; detach it";
  if (out.copy_state != CopyState::broken && out.copy_state != CopyState::failedover && open)
    out.cause.clear();
  const bool complete =
      point && (out.copy_state == CopyState::synchronized || out.copy_state == CopyState::skewed);
  bool flowing = out.copy_state == CopyState::unsynchronized || out.copy_state == CopyState::synchronized;
  if (flowing) out.mode_in_force = status.mode_in_force;
  out.mode_cause = status.mode_cause;
  out.pacing = flowing && status.pacing;
  out.reachable = status.connected;
  out.last_contact = status.last_contact;
  out.conflict = status.conflict;
  out.verified = entry.verified;
  if (at_source) {
    std::int64_t lag_us = status.lacks_since ? ground_.host.clock().wall().us - status.lacks_since->us : 0;
    out.lag = std::chrono::microseconds(std::max<std::int64_t>(lag_us, 0));
  } else {
    out.lag = status.lag_told;
    bool stale = !status.connected && status.lag_told_at != Instant{};
    if (stale) out.lag += ground_.control.clock().now() - status.lag_told_at;
  }
  std::uint32_t rpo = entry.kept.settings.rpo_seconds;
  bool told = !at_source && status.connected && status.rpo_violated;
  out.rpo_violated = told || (rpo > 0 && out.lag > std::chrono::seconds(rpo));
  if (point) out.lag = Duration{0};  // an instant does not age
  if (out.copy_state == CopyState::failedover || point) out.rpo_violated = false;
  out.backlog = complete ? Bytes{0} : status.backlog;
  if (complete) out.mode_in_force.reset();
  if (entry.near) out.reachable = true;
  out.to_copy = status.to_copy;
  out.copied = status.copied;
  out.bytes_per_second = status.bytes_per_second;
  out.sent_total = entry.carried.sent + status.sent_total;
  out.received_total = entry.carried.received + status.received_total;
  out.position = entry.target.end ? entry.target.status.position : status.position;
  if (entry.near) out.position = entry.near->state.position;
  if (out.copy_state == CopyState::synchronized || complete) {
    out.percent_synced = 100;
  } else if (status.to_copy.value > 0) {
    out.percent_synced = std::min(
        99.0, 100.0 * static_cast<double>(status.copied.value) / static_cast<double>(status.to_copy.value));
  }
  if (flowing && status.backlog.value > 0 && status.bytes_per_second > 0) {
    out.eta = std::chrono::milliseconds(status.backlog.value * 1000 / status.bytes_per_second);
  }
  out.requested = CopyState::not_applicable;
  if (entry.busy) {
    out.requested = entry.requested;
    out.progress = progress_of(entry.operation);
  } else if (out.copy_state == CopyState::synchronized || complete) {
    out.progress = Progress::completed;
  } else if (out.copy_state == CopyState::unsynchronized || out.copy_state == CopyState::initialized) {
    out.requested = CopyState::synchronized;
    out.progress = status.progress;
  } else {
    out.progress = out.copy_state == CopyState::broken ? Progress::not_applicable : Progress::dormant;
  }
  return out;
}

// A local relationship has two ends here, so it is reported twice, as it would be by two systems.
std::vector<Report> Roster::reports() const {
  std::vector<Report> out;
  out.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) {
    out.push_back(report_of(*entry));
    if (!entry->local(ground_.self.id) || (!entry->target.end && !entry->near)) continue;
    Report far = out.back();
    const Relationship& near = entry->kept;
    far.relationship = entry->far;
    far.relationship.settings = near.settings;
    far.relationship.intent = near.intent;
    far.relationship.when_activated = near.when_activated;
    far.relationship.when_synchronized = near.when_synchronized;
    far.relationship.when_suspended = near.when_suspended;
    far.relationship.when_failed_over = near.when_failed_over;
    far.relationship.when_established = near.when_established;
    out.push_back(std::move(far));
  }
  return out;
}

rt::Task<void> Roster::keep(EntryRef entry) {
  Relationship copy = entry->kept;
  Result<> saved = co_await registry_.save(std::move(copy));
  ignore(saved, "times and states are derived again at the next start");
}

void Roster::note(const EntryRef& entry, std::string what, std::string text, std::string cause) {
  observer_.changed(Change{entry->kept.id, std::move(what), {}, std::move(text), std::move(cause)});
}

// A lag moves up and down with each batch: the objective is met again once it has been met for a while.
bool Roster::still_late(Entry& entry) const {
  constexpr Duration a_while = std::chrono::seconds(3);
  Instant now = ground_.control.clock().now();
  if (entry.told.rpo_violated || !entry.late) {
    entry.within_since = now;
    return entry.told.rpo_violated;
  }
  return now - entry.within_since < a_while;
}

// Not heard of yet is no news before it has lasted for as long as it takes to find out who is reachable.
bool Roster::still_expected(Entry& entry) const {
  bool waits = entry.kept.intent == CopyState::synchronized && uncalled(entry, entry.target.status);
  if (!waits) entry.uncalled_since.reset();
  if (!waits) return false;
  Instant now = ground_.control.clock().now();
  if (!entry.uncalled_since) entry.uncalled_since = now;
  return now - *entry.uncalled_since < ground_.options.reachable_within;
}

// So that whoever opens the target is told of them, though both ends have been off since.
void Roster::learn_siblings(const EntryRef& entry) {
  const std::vector<Sibling>& told = entry->target.status.siblings;
  std::vector<Sibling>& kept = entry->kept.siblings;
  bool same = std::equal(told.begin(), told.end(), kept.begin(), kept.end(), [](const Sibling& a, const Sibling& b) { return a.is(b); });
  kept = told;
  if (!same) scope_.spawn(keep(entry));
}

void Roster::tell(EntryRef entry) {
  if (entry->gone) return;
  // The target was opened while nobody here looked: what was intended here is out of date.
  const bool point = is_point(entry->kept.sync_type);
  bool overtaken = !point && entry->source.end && entry->source.status.taken_over &&
                   entry->kept.intent == CopyState::synchronized && !entry->busy;
  if (overtaken) {
    entry->kept.intent = CopyState::failedover;
    entry->kept.when_failed_over = ground_.host.clock().wall();
    scope_.spawn(keep(entry));
  }
  // The source decides what flows: where something does, nothing else is intended here any more.
  bool revived = entry->kept.end == End::target && entry->target.end && !entry->busy && entry->target.status.settings && stopped(entry->kept.intent);
  if (revived) {
    entry->kept.intent = CopyState::synchronized;
    scope_.spawn(keep(entry));
  }
  const bool told = entry->target.end && entry->target.status.settings;   // by the source, over the connection that stands
  if (told && !entry->source.end) entry->kept.settings = *entry->target.status.settings;
  if (told) learn_siblings(entry);
  Report before = std::move(entry->told);
  entry->told = report_of(*entry);
  if (still_expected(*entry)) entry->told.copy_state = before.copy_state;
  const Report& now = entry->told;
  RelationshipId id = entry->kept.id;
  auto say = [&](const char* what, std::string was, std::string is, std::string cause) {
    if (was == is) return;
    observer_.changed(Change{id, what, std::move(was), std::move(is), std::move(cause)});
  };
  auto mode = [](const std::optional<Mode>& m) { return m ? std::string(name_of(*m)) : std::string("none"); };
  auto rpo = [](bool violated) { return std::string(violated ? "over RPO" : "within RPO"); };
  say("CopyState", std::string(name_of(before.copy_state)), std::string(name_of(now.copy_state)), now.cause);
  say("Mode", mode(before.mode_in_force), mode(now.mode_in_force),
      now.mode_in_force && before.mode_in_force ? now.mode_cause : now.cause);
  bool late = still_late(*entry);
  say("Lag", rpo(entry->late), rpo(late), now.cause.empty() ? lag_text(now) : now.cause);
  entry->late = late;
  say("Conflict", before.conflict, now.conflict, now.cause);
  if (point && entry->source.end && entry->source.status.point_reached && reached_)
    reached_(entry);
  if (!point && now.copy_state == CopyState::synchronized && before.copy_state != CopyState::synchronized) {
    entry->kept.when_synchronized = ground_.host.clock().wall();
    entry->told.relationship.when_synchronized = entry->kept.when_synchronized;
    scope_.spawn(keep(entry));
  }
  moved_.wake_all();
}

}  // namespace lockstep::replica
