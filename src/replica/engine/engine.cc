#include "replica/engine/engine.h"

#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr Duration tick_every = std::chrono::milliseconds(500);
constexpr unsigned ticks_between_sweeps = 20;

// For work that a peer asked for: nobody here watches it.
class Unwatched final : public Watcher {
 public:
  void progress(Bytes /*done*/, Bytes /*total*/) override {}
  rt::Stop& stop() override { return stop_; }

 private:
  rt::Stop stop_;
};

rt::Task<std::pair<std::string, Bytes>> name_and_free(pool::Pool& pool) {
  pool::Status status = pool.status();
  std::uint64_t taken = status.space.used.value + status.space.reserved.value;
  std::uint64_t free = status.space.total.value > taken ? status.space.total.value - taken : 0;
  co_return std::pair(status.name, Bytes{free});
}

}  // namespace

MirrorEngine::MirrorEngine(os::Host& host, rt::Loop& control, Self self, Pools& pools, Registry& registry,
                           Observer& observer, Options options)
    : ground_{host, control, std::move(self), options},
      pools_(pools),
      observer_(observer),
      roster_(ground_, pools, registry, observer),
      peers_(ground_, registry, *this),
      flows_(ground_, peers_, roster_),
      steps_(ground_, roster_, flows_),
      operations_(ground_, roster_, flows_, steps_, peers_),
      points_(ground_, roster_, flows_, operations_),
      creation_(ground_, pools, peers_, roster_),
      mending_(ground_, pools, roster_, peers_, observer),
      scope_(control) {
  operations_.set_points(points_);
  roster_.on_reached([this](EntryRef entry) { settle(entry); });
}

void MirrorEngine::settle(const EntryRef& entry) {
  if (!Points::to_be_settled(*entry) || scope_.stop().requested()) return;
  entry->settling = true;
  scope_.spawn(points_.settle(entry));
}

MirrorEngine::~MirrorEngine() = default;

rt::Task<Result<>> MirrorEngine::start() {
  Result<> loaded = co_await roster_.load();
  if (!loaded) co_return loaded;
  Result<> started = co_await peers_.start();
  if (!started) co_return started;
  co_await mending_.take_up();
  std::vector<EntryRef> all;
  for (const auto& [id, entry] : roster_.all()) all.push_back(entry);
  for (EntryRef& entry : all) co_await take_up(entry, true);
  co_await sweep_points();
  scope_.spawn(tick());
  co_return Result<>{};
}

// A source that may have lost power looks for its target before it is written to again.
rt::Task<void> MirrorEngine::take_up(EntryRef entry, bool fresh_start) {
  bool hold =
      fresh_start && !is_point(entry->kept.sync_type) && entry->kept.when_synchronized.us != 0 && entry->kept.intent == CopyState::synchronized;
  co_await roster_.open_ends(entry, hold);
  flows_.start(entry);
}

rt::Task<void> MirrorEngine::stop() {
  scope_.stop().request();
  roster_.end_steps();
  co_await flows_.stop_all();
  std::vector<EntryRef> all;
  for (const auto& [id, entry] : roster_.all()) all.push_back(entry);
  for (EntryRef& entry : all) {
    co_await idle(entry);
    co_await roster_.close_ends(entry, false);
  }
  co_await mending_.leave_all();
  co_await peers_.stop();
  co_await scope_.stop_and_join();
  co_await roster_.stop();
}

rt::Task<void> MirrorEngine::tick() {
  Duration every = tick_every;
  for (unsigned ticks = 1;; ++ticks) {
    bool slept = co_await rt::sleep_for(ground_.control, every, scope_.stop());
    if (!slept) break;
    std::vector<EntryRef> all;
    for (const auto& [id, entry] : roster_.all()) all.push_back(entry);
    for (EntryRef& entry : all) {
      if (entry->near && !entry->busy) co_await roster_.refresh(entry);  // whether it was written to
      if (entry->source.reporter) entry->source.reporter->ask();         // what is lacking, though nothing flows
      roster_.tell(entry);                                               // lags grow by themselves
      settle(entry);
    }
    if (ticks % ticks_between_sweeps == 0) co_await drop_expired_tokens();
  }
}

// Whatever a complete point has set going touches its ends: they stay until it is over.
rt::Task<void> MirrorEngine::settled(EntryRef entry) {
  while (entry->settling) co_await roster_.moved().wait();
}

// And what a peer is having done to them.
rt::Task<void> MirrorEngine::idle(EntryRef entry) {
  while (entry->settling || !entry->steps.empty()) co_await roster_.moved().wait();
}

rt::Task<Result<>> MirrorEngine::pool_opened(PoolId pool) {
  co_await mending_.take_up();
  std::vector<EntryRef> all;
  for (const auto& [id, entry] : roster_.all()) all.push_back(entry);
  for (EntryRef& entry : all) {
    bool local = entry->local(ground_.self.id);
    if (entry->kept.pool == pool || local) co_await take_up(entry, true);
  }
  co_return Result<>{};
}

rt::Task<Result<>> MirrorEngine::pool_closing(PoolId pool) {
  std::vector<EntryRef> all;
  for (const auto& [id, entry] : roster_.all()) all.push_back(entry);
  for (EntryRef& entry : all) {
    if (!roster_.uses(*entry, pool)) continue;
    co_await flows_.stop(entry, false);
    co_await idle(entry);
    co_await roster_.close_ends(entry, false);
    roster_.tell(entry);
  }
  co_await mending_.leave(pool);
  roster_.pool_gone(pool);
  co_return Result<>{};
}

Result<std::string> MirrorEngine::invite(Duration valid, std::vector<os::Address> advertised) {
  return peers_.invite(valid, std::move(advertised));
}

rt::Task<Result<Peer>> MirrorEngine::join(std::string token, std::vector<os::Address> advertised) {
  return peers_.join(std::move(token), std::move(advertised));
}

rt::Task<Result<std::vector<Engine::RemotePool>>> MirrorEngine::pools_of(SystemId peer) {
  wire::Request request;
  request.mutable_pools();
  Result<wire::Reply> reply = co_await peers_.call(peer, std::move(request), std::chrono::seconds(10));
  if (!reply) co_return fail(reply.error());
  std::vector<RemotePool> out;
  for (const auto& pool : reply->pools().pools())
    out.push_back({id_from<PoolId>(pool.id()), pool.name(), Bytes{pool.free()}});
  co_return out;
}

rt::Task<Result<RelationshipId>> MirrorEngine::create(CreateRequest request) {
  Result<EntryRef> entry = co_await creation_.create(std::move(request));
  if (!entry) co_return fail(entry.error());
  flows_.start(*entry);
  roster_.tell(*entry);
  co_return (*entry)->kept.id;
}

Result<EntryRef> MirrorEngine::known(RelationshipId id) const {
  EntryRef entry = roster_.find(id);
  if (entry == nullptr) return fail(Code::not_found, "no relationship has the id " + text_of(id));
  return entry;
}

Result<EntryRef> MirrorEngine::known_to(SystemId from, RelationshipId id) const {
  TRY(EntryRef entry, known(id));
  if (entry->kept.peer != from) return fail(Code::denied, "that relationship is not one with this system");
  return entry;
}

rt::Task<Result<>> MirrorEngine::await_state(RelationshipId id, std::vector<CopyState> states,
                                             Watcher& watcher) {
  EntryRef entry = roster_.find(id);
  if (entry == nullptr) co_return Result<>{};  // a clone that is complete is gone
  co_return co_await operations_.await_state(std::move(entry), std::move(states), watcher);
}

rt::Task<Result<>> MirrorEngine::operate(RelationshipId id, Operation operation, Watcher& watcher) {
  CO_TRY(EntryRef entry, known(id));
  Result<> done = co_await operations_.operate(entry, operation, watcher);
  roster_.tell(entry);
  co_return done;
}

namespace {

rt::Task<GroupId> group_called(pool::Pool& pool, std::string name) {
  for (const auto& [id, row] : pool.catalog().groups)
    if (row.name == name) co_return id;
  co_return GroupId{};
}

}  // namespace

// What has left is replicated on, with the same settings, and nothing travels that is there.
rt::Task<Result<std::vector<std::string>>> MirrorEngine::operate_pairs(RelationshipId id, Operation operation, std::vector<VolumeUuid> volumes, Watcher& watcher) {
  CO_TRY(EntryRef entry, known(id));
  Result<std::vector<Operations::Parted>> parted = co_await operations_.operate_pairs(entry, operation, std::move(volumes), watcher);
  roster_.tell(entry);
  if (!parted) co_return fail(parted.error());
  pool::Pool* pool = roster_.pool_of(*entry);
  std::vector<std::string> made;
  for (const Operations::Parted& one : *parted) {
    CreateRequest request;
    request.name = entry->kept.name + "-" + one.group;
    for (int i = 2; roster_.name_taken(request.name); ++i) request.name = entry->kept.name + "-" + one.group + "-" + std::to_string(i);
    request.settings = entry->kept.settings;
    request.pool = entry->kept.pool;
    if (pool != nullptr) request.group = co_await rt::run_on(pool->loop(), group_called(*pool, one.group));
    request.target_system = entry->kept.peer;
    request.target_pool = entry->kept.peer_pool;
    request.target_group = one.target_group;
    std::string name = request.name;
    Result<RelationshipId> related = co_await create(std::move(request));
    if (!related) co_return fail(related.error().in("the pair has left; replicating group '" + one.group + "' on by itself failed, make that relationship by hand"));
    made.push_back(std::move(name));
  }
  co_return made;
}

rt::Task<Result<Forecast>> MirrorEngine::forecast(RelationshipId id, Operation operation) {
  CO_TRY(EntryRef entry, known(id));
  co_return co_await operations_.forecast(std::move(entry), operation);
}

rt::Task<Result<>> MirrorEngine::set(RelationshipId id, Settings settings) {
  CO_TRY(EntryRef entry, known(id));
  CO_TRY_VOID(settle_settings(entry->kept.sync_type, settings));
  co_return co_await operations_.set(std::move(entry), settings);
}

rt::Task<Result<Report>> MirrorEngine::report(RelationshipId id) {
  CO_TRY(EntryRef entry, known(id));
  co_await roster_.refresh(entry);
  co_return roster_.report_of(*entry);
}

bool MirrorEngine::has_relationships_with(SystemId peer) const {
  for (const auto& [id, entry] : roster_.all()) {
    if (entry->kept.peer == peer) return true;
  }
  return false;
}

void MirrorEngine::peer_changed(SystemId peer, bool reachable, std::string cause) {
  std::string name = peers_.name_of(peer);
  Change change;
  change.what = "Peer";
  change.before = name + (reachable ? ": unreachable" : ": reachable");
  change.after = name + (reachable ? ": reachable" : ": unreachable");
  change.cause = std::move(cause);
  observer_.changed(change);
}

rt::Task<void> MirrorEngine::take_data(SystemId from, RelationshipId relationship,
                                       std::unique_ptr<Channel> greeted) {
  Result<EntryRef> entry = known_to(from, relationship);
  if (!entry) {
    Error why{entry.error().code,
              "system '" + ground_.self.name +
                  "' does not know this relationship (any more); detach it on the other side too"};
    co_await greeted->refuse(std::move(why));
    co_return;
  }
  co_await flows_.receive(*entry, std::move(greeted));
}

rt::Task<wire::Reply> MirrorEngine::answer(SystemId from, wire::Request request) {
  wire::Reply reply;
  Result<> done;
  if (request.has_pools()) {
    done = co_await answer_pools(*reply.mutable_pools());
  } else if (request.has_create_target()) {
    Result<wire::CreateTargetReply> made =
        co_await creation_.make_target(from, std::move(*request.mutable_create_target()));
    if (made) {
      *reply.mutable_create_target() = std::move(*made);
    } else {
      done = fail(made.error());
    }
  } else if (request.has_remove_target()) {
    done = co_await creation_.remove_target(from,
                                            id_from<RelationshipId>(request.remove_target().relationship()),
                                            made_from(request.remove_target().made()));
  } else if (request.has_act()) {
    done = co_await answer_act(from, std::move(*request.mutable_act()), *reply.mutable_act());
  } else if (request.has_block()) {
    done = co_await answer_block(from, std::move(*request.mutable_block()), *reply.mutable_block());
  } else if (request.has_use_token()) {
    Result<wire::UseTokenReply> used = co_await answer_use_token(from, std::move(*request.mutable_use_token()));
    if (used) {
      *reply.mutable_use_token() = std::move(*used);
    } else {
      done = fail(used.error());
    }
  } else if (request.has_stand()) {
    done = co_await answer_stand(std::move(*request.mutable_stand()), *reply.mutable_stand());
  } else if (request.has_operate()) {
    done = co_await answer_operate(from, std::move(*request.mutable_operate()));
  } else {
    done =
        fail(Code::unsupported, "a request that system '" + ground_.self.name + "' does not know; update it");
  }
  if (!done) put(done.error(), *reply.mutable_failure());
  co_return reply;
}

rt::Task<Result<>> MirrorEngine::answer_pools(wire::PoolsReply& into) {
  for (pool::Pool* pool : pools_.pools()) {
    auto facts = co_await rt::run_on(pool->loop(), name_and_free(*pool));
    wire::PoolsReply::Pool* row = into.add_pools();
    row->set_id(bytes_of(pool->id()));
    row->set_name(facts.first);
    row->set_free(facts.second.value);
  }
  co_return Result<>{};
}

rt::Task<Result<>> MirrorEngine::answer_act(SystemId from, wire::Act act, wire::ActReply& into) {
  CO_TRY(EntryRef entry, known_to(from, id_from<RelationshipId>(act.relationship())));
  CO_TRY(Order order, order_from(act));
  order.by_peer = from != ground_.self.id;
  co_await settled(entry);
  End end = act.end() == 0 ? End::source : End::target;
  Result<Outcome> outcome = co_await steps_.carry_out(std::move(entry), end, std::move(order));
  if (!outcome) co_return fail(outcome.error());
  put(*outcome, into);
  co_return Result<>{};
}

rt::Task<Result<>> MirrorEngine::answer_block(SystemId from, wire::BlockWanted wanted, wire::BlockReply& into) {
  CO_TRY(EntryRef entry, known_to(from, id_from<RelationshipId>(wanted.relationship())));
  co_return co_await mending_.answer(std::move(entry), std::move(wanted), into);
}

// To any system that is paired with this one: a sibling of the target here, whose source is gone, is no peer of the
// relationship's.
rt::Task<Result<>> MirrorEngine::answer_stand(wire::Stand stand, wire::StandReply& into) {
  CO_TRY(EntryRef entry, known(id_from<RelationshipId>(stand.relationship())));
  if (!entry->target.end) co_return fail(Code::not_found, "that target is not here, or not open");
  Order look;
  Result<Outcome> outcome = co_await steps_.carry_out(entry, End::target, std::move(look));
  if (!outcome) co_return fail(outcome.error());
  put(outcome->past, *into.mutable_past());
  co_return Result<>{};
}

rt::Task<Result<>> MirrorEngine::answer_operate(SystemId from, wire::Operate operate) {
  CO_TRY(EntryRef entry, known_to(from, id_from<RelationshipId>(operate.relationship())));
  auto operation = static_cast<Operation>(operate.operation());
  if (operation != Operation::failover)
    co_return fail(Code::unsupported, "only a failover is led by the other system");
  Unwatched nobody;
  co_return co_await operations_.operate(std::move(entry), operation, nobody);
}

std::unique_ptr<Engine> make_engine(os::Host& host, rt::Loop& control, Self self, Pools& pools,
                                    Registry& registry, Observer& observer, Options options) {
  return std::make_unique<MirrorEngine>(host, control, std::move(self), pools, registry, observer, options);
}

}  // namespace lockstep::replica
