// For tests of single pairs: they are named by their volumes, and operated on, also beside something else.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica::testing {

inline VolumeUuid uuid_of(TestSystem& system, const std::string& volume) {
  return system.pool().catalog().volumes.at(*system.pool().find_volume(volume)).uuid;
}

inline Result<std::vector<std::string>> operate_pair(TestSystem& system, RelationshipId id, Operation operation, const std::string& volume) {
  Patient watcher;
  std::vector<VolumeUuid> volumes{uuid_of(system, volume)};
  return system.world.run(system.host.loop(), system.engine->operate_pairs(id, operation, std::move(volumes), watcher), std::chrono::minutes(30));
}

inline rt::Task<void> spawn_in(rt::Scope& scope, rt::Task<void> task) {
  scope.spawn(std::move(task));
  co_return;
}

// AddSyncPair that goes on while the test does something else. It ends before its system does.
class Adding {
 public:
  Adding(TestSystem& system, RelationshipId id, const std::string& volume) : system_(system), scope_(system.host.loop()) {
    system.run(spawn_in(scope_, add(*system.engine, id, uuid_of(system, volume), watcher_, done_)));
  }
  [[nodiscard]] bool over() const { return done_.has_value(); }
  // Within a time that is longer than any of its own.
  Result<> wait() {
    system_.world.run_until([this] { return over(); }, std::chrono::minutes(10));
    system_.run(scope_.stop_and_join());
    return done_.value_or(Result<>(fail(Code::timeout, "it has not ended")));
  }
  // Its system dies.
  void die() {
    system_.host.kill();
    system_.host.finish(scope_.stop_and_join());
  }

 private:
  static rt::Task<void> add(Engine& engine, RelationshipId id, VolumeUuid volume, Patient& watcher, std::optional<Result<>>& done) {
    std::vector<VolumeUuid> volumes{volume};
    auto added = co_await engine.operate_pairs(id, Operation::add_sync_pair, std::move(volumes), watcher);
    done = added ? Result<>() : Result<>(fail(added.error()));
  }
  TestSystem& system_;
  Patient watcher_;
  std::optional<Result<>> done_;
  rt::Scope scope_;
};

}  // namespace lockstep::replica::testing
