#include "replica/roster/roster.h"

#include <algorithm>

#include "replica/group/ledger.h"

namespace lockstep::replica {
namespace {

// Ends are made, used and unmade on their pool's loop.
rt::Task<Result<std::unique_ptr<Source>>> make_source(const Ground& ground, pool::Pool& pool, Gates& gates,
                                                      Relationship relationship, Reporter& reporter,
                                                      bool hold) {
  auto source =
      std::make_unique<Source>(ground, pool, gates, relationship, [&reporter] { reporter.poke(); }, hold);
  Source* end = source.get();
  reporter.watch([end] { return end->status(); });
  Result<> opened = co_await source->open();
  reporter.poke();
  if (opened) co_return std::move(source);
  reporter.stop();
  co_return fail(opened.error());
}

rt::Task<Result<std::unique_ptr<Target>>> make_target(const Ground& ground, pool::Pool& pool, Gates& gates,
                                                      Relationship relationship, Reporter& reporter) {
  auto target = std::make_unique<Target>(ground, pool, gates, relationship, [&reporter] { reporter.poke(); });
  Target* end = target.get();
  reporter.watch([end] { return end->status(); });
  Result<> opened = co_await target->open();
  reporter.poke();
  if (opened) co_return std::move(target);
  reporter.stop();
  co_return fail(opened.error());
}

rt::Task<Carried> end_source(std::unique_ptr<Source> source, Reporter& reporter, bool forget) {
  Result<> closed = co_await source->close(forget);
  ignore(closed, "a claim that stays only keeps journal; opening the pool again shows it");
  reporter.stop();
  Status last = source->status();
  source.reset();
  co_return Carried{last.sent_total, last.received_total};
}

rt::Task<Carried> end_target(std::unique_ptr<Target> target, Reporter& reporter) {
  Result<> closed = co_await target->close();
  ignore(closed, "closing a target changes nothing");
  reporter.stop();
  Status last = target->status();
  target.reset();
  co_return Carried{last.sent_total, last.received_total};
}

void carry(Entry& entry, Carried more) {
  entry.carried.sent += more.sent;
  entry.carried.received += more.received;
}

template <class T>
rt::Task<Status> status_of(T& end) {
  co_return end.status();
}

// A source names the relationship that it gave its role up for: it counts where nobody else follows.
struct Following {
  std::optional<GroupId> target, gave_up;
};
rt::Task<Following> group_following(pool::Pool& pool, RelationshipId id) {
  Following out;
  for (const auto& [group, row] : pool.catalog().groups) {
    if (row.following == id) (row.role == store::Role::demoted ? out.gave_up : out.target) = group;
  }
  co_return out;
}

rt::Task<std::pair<std::string, std::string>> names_of(pool::Pool& pool, GroupId group) {   // pool, group
  const store::GroupRow* row = group_row(pool, group);
  co_return std::pair(pool.status().name, row == nullptr ? std::string() : row->name);
}

std::vector<std::pair<VolumeUuid, VolumeUuid>> swapped(std::vector<std::pair<VolumeUuid, VolumeUuid>> pairs) {
  for (auto& [a, b] : pairs) std::swap(a, b);
  return pairs;
}

// The target end of a local relationship, as another system would keep it.
Relationship far_end_of(Relationship near, PoolId pool, GroupId group, std::pair<std::string, std::string> names) {
  near.end = End::target;
  near.pool = pool;
  near.group = group;
  near.pairs = swapped(std::move(near.pairs));
  near.peer_pool = std::move(names.first);
  near.peer_group = std::move(names.second);
  return near;
}

rt::Task<NearState> near_state(pool::Pool& pool, NearEnds ends) { co_return look_at_near(pool, std::move(ends)); }

}  // namespace

Roster::Roster(const Ground& ground, Pools& pools, Registry& registry, Observer& observer)
    : ground_(ground),
      pools_(pools),
      registry_(registry),
      observer_(observer),
      moved_(ground.control),
      scope_(ground.control),
      alive_(std::make_shared<bool>(true)) {}

Roster::~Roster() { *alive_ = false; }

rt::Task<Result<>> Roster::load() {
  auto kept = co_await registry_.relationships();
  if (!kept) co_return fail(kept.error());
  for (auto& relationship : *kept) {
    auto entry = std::make_shared<Entry>();
    entry->kept = std::move(relationship);
    entries_[entry->kept.id] = std::move(entry);
  }
  co_return Result<>{};
}

EntryRef Roster::find(RelationshipId id) const {
  auto at = entries_.find(id);
  return at == entries_.end() ? nullptr : at->second;
}

EntryRef Roster::find(std::string_view name) const {
  for (const auto& [id, entry] : entries_) {
    if (entry->kept.name == name) return entry;
  }
  return nullptr;
}

rt::Task<Result<EntryRef>> Roster::add(Relationship relationship) {
  Relationship copy = relationship;
  Result<> saved = co_await registry_.save(std::move(copy));
  if (!saved) co_return fail(saved.error());
  auto entry = std::make_shared<Entry>();
  entry->kept = std::move(relationship);
  entries_[entry->kept.id] = entry;
  co_return entry;
}

rt::Task<Result<>> Roster::save(EntryRef entry) {
  if (entry->gone) co_return Result<>{};
  Relationship copy = entry->kept;
  Result<> saved = co_await registry_.save(std::move(copy));
  tell(entry);
  co_return saved;
}

rt::Task<Result<>> Roster::forget(EntryRef entry) {
  entry->gone = true;
  RelationshipId id = entry->kept.id;
  Result<> removed = co_await registry_.remove_relationship(id);
  entries_.erase(id);
  moved_.wake_all();
  Change change{id, "Relationship", "present", "gone", "detached"};
  observer_.changed(change);
  co_return removed;
}

Gates& Roster::gates_of(pool::Pool& pool) {
  auto& gates = gates_[pool.id()];
  if (!gates) gates = std::make_unique<Gates>(pool);
  return *gates;
}

Reporter::Deliver Roster::deliver_to(EntryRef entry, bool source) {
  return [this, alive = alive_, weak = std::weak_ptr<Entry>(entry), source](Status status) {
    EntryRef here = weak.lock();
    if (!*alive || !here || here->gone) return;
    (source ? here->source.status : here->target.status) = std::move(status);
    tell(here);
  };
}

void Roster::pool_gone(PoolId pool) { gates_.erase(pool); }

bool Roster::uses(const Entry& entry, PoolId pool) const {
  bool source = entry.source.pool != nullptr && entry.source.pool->id() == pool;
  bool target = entry.target.pool != nullptr && entry.target.pool->id() == pool;
  return source || target || entry.kept.pool == pool;
}

rt::Task<std::optional<Roster::Place>> Roster::local_target(RelationshipId id) {
  std::optional<Place> gave_up;
  for (pool::Pool* pool : pools_.pools()) {
    Following found = co_await rt::run_on(pool->loop(), group_following(*pool, id));
    if (found.target) co_return Place{pool, *found.target};
    if (found.gave_up) gave_up = Place{pool, *found.gave_up};
  }
  co_return gave_up;
}

rt::Task<void> Roster::open_near(EntryRef entry, pool::Pool& pool) {
  std::optional<Place> place = co_await local_target(entry->kept.id);
  if (!place || place->pool != &pool) {
    entry->trouble = Error{Code::not_found, "relationship '" + entry->kept.name + "': its target group is gone; detach it"};
    tell(entry);
    co_return;
  }
  entry->near = NearSeat{&pool, {entry->kept.id, entry->kept.name, entry->kept.group, place->group}, {}};
  auto names = co_await rt::run_on(pool.loop(), names_of(pool, entry->kept.group));
  entry->far = far_end_of(entry->kept, pool.id(), place->group, std::move(names));
  co_await refresh(entry);
}

rt::Task<void> Roster::open_ends(EntryRef entry, bool hold) {
  entry->trouble.reset();
  bool local = entry->local(ground_.self.id);
  pool::Pool* pool = pools_.find(entry->kept.pool);
  if (is_point(entry->kept.sync_type) && local && pool != nullptr) {
    const std::string there = entry->kept.peer_pool;
    if (pools_.find(std::string_view(there)) == pool) {
      if (!entry->near) co_await open_near(entry, *pool);
      co_return;
    }
  }
  if (entry->kept.end == End::source || local) co_await open_source(entry, hold);
  if (entry->kept.end == End::target || local) co_await open_target(entry);
  tell(entry);
}

rt::Task<void> Roster::open_source(EntryRef entry, bool hold) {
  pool::Pool* pool = pools_.find(entry->kept.pool);
  if (pool == nullptr || entry->source.end) co_return;
  auto reporter = std::make_unique<Reporter>(pool->loop(), ground_.control, deliver_to(entry, true));
  Relationship copy = entry->kept;
  auto made = co_await rt::run_on(
      pool->loop(), make_source(ground_, *pool, gates_of(*pool), std::move(copy), *reporter, hold));
  if (!made) {
    entry->trouble = made.error();
    co_return;
  }
  entry->source.pool = pool;
  entry->source.reporter = std::move(reporter);
  entry->source.end = std::move(*made);
}

rt::Task<void> Roster::open_target(EntryRef entry) {
  if (entry->target.end) co_return;
  Relationship copy = entry->kept;
  pool::Pool* pool = pools_.find(entry->kept.pool);
  if (entry->local(ground_.self.id)) {
    std::pair<std::string, std::string> names;
    if (pool != nullptr) names = co_await rt::run_on(pool->loop(), names_of(*pool, copy.group));
    std::optional<Place> place = co_await local_target(entry->kept.id);
    pool = place ? place->pool : nullptr;
    if (!place) co_return;
    copy = far_end_of(std::move(copy), pool->id(), place->group, std::move(names));
    entry->far = copy;
  }
  if (pool == nullptr) co_return;
  auto reporter = std::make_unique<Reporter>(pool->loop(), ground_.control, deliver_to(entry, false));
  auto made = co_await rt::run_on(pool->loop(), make_target(ground_, *pool, gates_of(*pool), std::move(copy), *reporter));
  if (!made) {
    entry->trouble = made.error();
    co_return;
  }
  entry->target.pool = pool;
  entry->target.reporter = std::move(reporter);
  entry->target.end = std::move(*made);
}

rt::Task<void> Roster::close_source(EntryRef entry, bool forget_claims) {
  if (!entry->source.end) co_return;
  rt::Loop& loop = entry->source.pool->loop();
  std::unique_ptr<Source> end = std::move(entry->source.end);
  Carried more = co_await rt::run_on(loop, end_source(std::move(end), *entry->source.reporter, forget_claims));
  entry->source = {};
  carry(*entry, more);
}

rt::Task<void> Roster::close_target(EntryRef entry) {
  if (!entry->target.end) co_return;
  rt::Loop& loop = entry->target.pool->loop();
  std::unique_ptr<Target> end = std::move(entry->target.end);
  Carried more = co_await rt::run_on(loop, end_target(std::move(end), *entry->target.reporter));
  entry->target = {};
  // Of a relationship with both ends here, the source's figures are reported.
  if (entry->kept.end == End::target) carry(*entry, more);
}

rt::Task<void> Roster::close_ends(EntryRef entry, bool forget_claims) {
  entry->near.reset();
  co_await close_source(entry, forget_claims);
  co_await close_target(entry);
}

rt::Task<void> Roster::refresh(EntryRef entry) {
  if (entry->near) {
    pool::Pool* pool = entry->near->pool;
    NearEnds ends = entry->near->ends;
    NearState state = co_await rt::run_on(pool->loop(), near_state(*pool, std::move(ends)));
    if (entry->near) entry->near->state = state;
  }
  if (entry->source.end) {
    Status status = co_await rt::run_on(entry->source.pool->loop(), status_of(*entry->source.end));
    entry->source.status = std::move(status);
  }
  if (entry->target.end) {
    Status status = co_await rt::run_on(entry->target.pool->loop(), status_of(*entry->target.end));
    entry->target.status = std::move(status);
  }
  tell(entry);
}

}  // namespace lockstep::replica
