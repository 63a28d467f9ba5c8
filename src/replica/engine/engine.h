// The engine's parts, put together. It only routes: what happens, happens in the parts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "replica/mending/mending.h"
#include "replica/operations/create.h"
#include "replica/operations/operations.h"
#include "replica/operations/points.h"
#include "replica/operations/steps.h"
#include "replica/peers/peers.h"
#include "replica/replica.h"
#include "replica/roster/flows.h"
#include "replica/roster/roster.h"

namespace lockstep::replica {

class MirrorEngine final : public Engine, public Callee {
 public:
  MirrorEngine(os::Host& host, rt::Loop& control, Self self, Pools& pools, Registry& registry,
               Observer& observer, Options options);
  ~MirrorEngine() override;

  rt::Task<Result<>> start() override;
  rt::Task<void> stop() override;
  rt::Task<Result<os::Address>> listen(os::Address address) override {
    return peers_.listen(std::move(address));
  }
  rt::Task<Result<>> pool_opened(PoolId pool) override;
  rt::Task<Result<>> pool_closing(PoolId pool) override;

  Result<std::string> invite(Duration valid, std::vector<os::Address> advertised) override;
  rt::Task<Result<Peer>> join(std::string token, std::vector<os::Address> advertised) override;
  [[nodiscard]] std::vector<PeerReport> peers() const override { return peers_.reports(); }
  rt::Task<Result<>> remove_peer(SystemId peer) override { return peers_.remove(peer); }
  rt::Task<Result<std::vector<RemotePool>>> pools_of(SystemId peer) override;

  rt::Task<Result<RelationshipId>> create(CreateRequest request) override;
  rt::Task<Result<Forecast>> forecast_create(CreateRequest request) override {
    return creation_.forecast(std::move(request));
  }
  rt::Task<Result<>> await_state(RelationshipId id, std::vector<CopyState> states, Watcher& watcher) override;
  rt::Task<Result<>> operate(RelationshipId id, Operation operation, Watcher& watcher) override;
  rt::Task<Result<std::vector<std::string>>> operate_pairs(RelationshipId id, Operation operation, std::vector<VolumeUuid> volumes, Watcher& watcher) override;
  rt::Task<Result<Forecast>> forecast(RelationshipId id, Operation operation) override;
  rt::Task<Result<>> set(RelationshipId id, Settings settings) override;
  rt::Task<Result<VerifyReport>> verify(RelationshipId id, VerifyRequest request, Watcher& watcher) override;
  rt::Task<Result<std::string>> create_token(TokenRequest request) override;
  rt::Task<std::vector<TokenReport>> tokens() override;
  rt::Task<Result<>> revoke_token(SnapshotId id, bool force) override;
  rt::Task<Result<RelationshipId>> use_token(TokenUse use) override;
  [[nodiscard]] std::vector<Report> reports() const override { return roster_.reports(); }
  rt::Task<Result<Report>> report(RelationshipId id) override;

  // Callee
  rt::Task<wire::Reply> answer(SystemId from, wire::Request request) override;
  rt::Task<void> take_data(SystemId from, RelationshipId relationship,
                           std::unique_ptr<Channel> greeted) override;
  void peer_changed(SystemId peer, bool reachable, std::string cause) override;
  [[nodiscard]] bool has_relationships_with(SystemId peer) const override;

 private:
  Result<EntryRef> known(RelationshipId id) const;
  Result<EntryRef> known_to(SystemId from, RelationshipId id) const;
  rt::Task<Result<>> answer_pools(wire::PoolsReply& into);
  rt::Task<Result<>> answer_act(SystemId from, wire::Act act, wire::ActReply& into);
  rt::Task<Result<>> answer_block(SystemId from, wire::BlockWanted wanted, wire::BlockReply& into);
  rt::Task<Result<>> answer_operate(SystemId from, wire::Operate operate);
  rt::Task<Result<>> answer_stand(wire::Stand stand, wire::StandReply& into);
  rt::Task<void> take_up(EntryRef entry, bool fresh_start);
  // engine_tokens.cc
  rt::Task<Result<wire::UseTokenReply>> answer_use_token(SystemId from, wire::UseToken use);
  rt::Task<void> sweep_points();
  rt::Task<void> drop_expired_tokens();
  void settle(const EntryRef& entry);
  rt::Task<void> settled(EntryRef entry);
  rt::Task<void> idle(EntryRef entry);
  rt::Task<void> tick();
  rt::Task<void> watch_verification(std::shared_ptr<VerifyWatch> watch, Watcher& watcher, rt::Stop& over);

  const Ground ground_;
  Pools& pools_;
  Observer& observer_;
  Roster roster_;
  Peers peers_;
  Flows flows_;
  Steps steps_;
  Operations operations_;
  Points points_;
  Creation creation_;
  Mending mending_;
  rt::Scope scope_;
};

}  // namespace lockstep::replica
