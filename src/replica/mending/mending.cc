#include "replica/mending/mending.h"

#include <vector>

#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr Duration ask_most = std::chrono::seconds(5);

rt::Task<PoolId> id_of(pool::Pool& pool) { co_return pool.id(); }

}  // namespace

rt::Task<void> Mending::take_up() {
  for (pool::Pool* pool : pools_.pools()) {
    PoolId id = co_await rt::run_on(pool->loop(), id_of(*pool));
    if (menders_.contains(id) || pools_.find(id) != pool) continue;
    auto ask_us = [this](PoolId from, VolumeUuid volume, Block block, Checksum expected) { return ask(from, volume, block, expected); };
    auto tell_us = [this](std::string volume, bool repaired, std::string cause) { tell(std::move(volume), repaired, std::move(cause)); };
    auto mender = std::make_shared<Mender>(*pool, ground_.control, ask_us, tell_us);
    menders_[id] = mender;
    co_await rt::run_on(pool->loop(), mender->enter());
  }
}

rt::Task<void> Mending::leave(PoolId id) {
  auto at = menders_.find(id);
  pool::Pool* pool = pools_.find(id);
  if (at == menders_.end() || pool == nullptr) co_return;
  std::shared_ptr<Mender> mender = at->second;
  menders_.erase(at);
  co_await rt::run_on(pool->loop(), mender->leave());
}

rt::Task<void> Mending::leave_all() {
  while (!menders_.empty()) {
    PoolId id = menders_.begin()->first;
    co_await leave(id);
    menders_.erase(id);
  }
}

void Mending::tell(std::string volume, bool repaired, std::string cause) {
  Change change;
  change.what = "Repair";
  change.before = "damaged";
  change.after = repaired ? "repaired" : "not repaired";
  change.cause = std::move(cause);
  change.volume = std::move(volume);
  observer_.changed(change);
}

// Everybody who keeps a copy of this volume, one after the other.
rt::Task<Result<GoodCopy>> Mending::ask(PoolId pool, VolumeUuid volume, Block block, Checksum expected) {
  struct Place {
    RelationshipId relationship;
    SystemId system;
    VolumeUuid volume;
  };
  std::vector<Place> places;
  for (const auto& [id, entry] : roster_.all()) {
    bool local = entry->local(ground_.self.id);
    for (const auto& [here, there] : entry->kept.pairs) {
      if (here == volume && entry->kept.pool == pool) places.push_back({id, entry->kept.peer, there});
      if (there == volume && local) places.push_back({id, entry->kept.peer, here});
    }
  }
  if (places.empty()) co_return fail(Code::not_found, "it is replicated nowhere");
  std::string why;
  for (Place& place : places) {
    wire::Request request;
    wire::BlockWanted* wanted = request.mutable_block();
    wanted->set_relationship(bytes_of(place.relationship));
    wanted->set_volume(bytes_of(place.volume));
    wanted->set_block(block.value);
    wanted->set_checksum(expected.value);
    const std::string who = "system '" + peers_.name_of(place.system) + "'";
    Result<wire::Reply> reply = co_await peers_.call(place.system, std::move(request), ask_most);
    if (reply && reply->block().data().size() == block_size) {
      Span bytes = as_span(reply->block().data());
      if (checksum_of(bytes) == expected) co_return GoodCopy{Buffer(bytes.begin(), bytes.end()), who};
    }
    why += (why.empty() ? "" : "; ") + who + ": " + (reply ? std::string("its copy does not match the checksum") : reply.error().message);
  }
  co_return fail(Code::not_found, why);
}

rt::Task<Result<>> Mending::answer(EntryRef entry, wire::BlockWanted wanted, wire::BlockReply& into) {
  VolumeUuid volume = id_from<VolumeUuid>(wanted.volume());
  Block block{wanted.block()};
  Checksum expected{wanted.checksum()};
  // Of a local relationship either end may be asked for; of any other, the end that is here.
  std::optional<PoolId> id;
  for (const auto& [here, there] : entry->kept.pairs) {
    if (here == volume) id = entry->kept.pool;
    if (there == volume && entry->local(ground_.self.id)) id = entry->far.pool;
  }
  if (!id) co_return fail(Code::not_found, "the relationship has no such volume here");
  pool::Pool* pool = pools_.find(*id);
  auto at = menders_.find(*id);
  if (pool == nullptr || at == menders_.end()) co_return fail(Code::unreachable, "its pool is not open");
  std::shared_ptr<Mender> mender = at->second;
  Result<Buffer> found = co_await rt::run_on(pool->loop(), mender->give(volume, block, expected));
  if (!found) co_return fail(found.error());
  into.set_data(std::string(as_text(*found)));
  co_return Result<>{};
}

}  // namespace lockstep::replica
