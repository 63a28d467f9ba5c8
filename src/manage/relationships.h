// Relationships: from the words of the SM model to the engine. Private to manage.
#pragma once

#include <map>
#include <string>

#include "manage/accounts.h"
#include "manage/create_checks.h"
#include "manage/jobs.h"
#include "manage/kept_defaults.h"
#include "manage/locate.h"
#include "manage/storage.h"

namespace lockstep::manage {

class Relationships final : public replica::Observer {
 public:
  Relationships(rt::Loop& loop, PoolSet& pools, Accounts& accounts, Jobs& jobs, Events& events, KeptDefaults& defaults)
      : loop_(loop), pools_(pools), accounts_(accounts), jobs_(jobs), events_(events), defaults_(defaults), noticing_(loop) {}
  void set_engine(replica::Engine& engine, const replica::Self& self, Storage& storage) {
    engine_ = &engine;
    self_ = &self;
    storage_ = &storage;
  }

  // `undo`: when it fails, at once or as a job, these groups go.
  rt::Task<Answer<Outcome>> create(Caller caller, CreateReplica request, std::vector<std::string> undo = {});
  rt::Task<Answer<Outcome>> remove(Caller caller, std::string relationship);
  rt::Task<Answer<Outcome>> operate_pairs(Caller caller, std::string relationship, std::uint16_t operation, std::vector<std::string> volumes);
  rt::Task<Answer<replica::Forecast>> forecast_create(Caller caller, CreateReplica request);
  rt::Task<Answer<std::string>> create_token(Caller caller, std::string group, Duration valid, bool reusable, std::vector<os::Address> advertised);
  rt::Task<std::vector<TokenInfo>> tokens();
  rt::Task<Answer<>> revoke_token(Caller caller, std::string id, bool force);
  rt::Task<Answer<Outcome>> use_token(Caller caller, UseToken use);
  rt::Task<Answer<Outcome>> operate(Caller caller, std::string relationship, std::uint16_t operation);
  rt::Task<Answer<replica::Forecast>> forecast(Caller caller, std::string relationship, std::uint16_t operation);
  rt::Task<Answer<>> change(Caller caller, std::string relationship, replica::Settings settings);
  rt::Task<Answer<Outcome>> verify(Caller caller, std::string relationship, replica::VerifyRequest request);
  rt::Task<Answer<>> set_defaults(Caller caller, std::string group, ReplicaDefaults defaults);

  // By name or id. Of a local relationship: its source.
  [[nodiscard]] Answer<replica::Report> find(const std::string& relationship) const;
  [[nodiscard]] std::unique_ptr<Work> resumed(Awaited awaited);

  // Once the engine has started: from here on, relationships that come and go, by whichever side's doing, are events.
  void start();
  rt::Task<void> stop() { return noticing_.stop_and_join(); }

  // replica::Observer: every change of state is an event.
  void changed(const replica::Change& change) override;

 private:
  rt::Task<void> notice_regularly();
  void notice(bool tell);
  [[nodiscard]] bool is_paired(VolumeUuid volume) const;   // at this end of some relationship
  [[nodiscard]] Answer<> check_comparable(const replica::Report& report) const;
  rt::Task<CreateFacts> gather(Caller caller, CreateReplica request);
  rt::Task<void> gather_target(CreateFacts* facts);
  rt::Task<void> gather_target_group(CreateFacts* facts);

  rt::Loop& loop_;
  PoolSet& pools_;
  Accounts& accounts_;
  Jobs& jobs_;
  Events& events_;
  KeptDefaults& defaults_;
  replica::Engine* engine_ = nullptr;
  const replica::Self* self_ = nullptr;
  Storage* storage_ = nullptr;
  std::map<RelationshipId, std::string> names_;     // of those that are known to be there
  rt::Scope noticing_;
};

}  // namespace lockstep::manage
