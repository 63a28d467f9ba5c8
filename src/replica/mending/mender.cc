#include "replica/mending/mender.h"

#include <algorithm>
#include <vector>

#include "replica/wire/aligned.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t snapshots_most = 16;   // that are looked through for an older version of a block

rt::Task<Result<GoodCopy>> ask_there(const Mender::Ask& ask, PoolId pool, VolumeUuid volume, Block block, Checksum expected) {
  return ask(pool, volume, block, expected);
}

rt::Task<Result<bool>> holds(pool::VolumeRef volume, Block block, Checksum expected, AlignedBytes& into) {
  if (block.value >= blocks_in(volume->size())) co_return false;
  std::vector<Checksum> sums;
  Result<> read = co_await volume->read_blocks(block, 1, into.span(), sums);
  if (!read && read.error().code != Code::corrupt) co_return fail(read.error());
  co_return read && sums.front() == expected;
}

}  // namespace

Mender::Mender(pool::Pool& pool, rt::Loop& control, Ask ask, Tell tell)
    : pool_(pool), control_(control), ask_(std::move(ask)), tell_(std::move(tell)), idle_(pool.loop()) {}

Mender::~Mender() { CHECK(asking_ == 0 && giving_.empty()); }

rt::Task<void> Mender::enter() {
  pool_.set_repair(this);
  co_return;
}

rt::Task<void> Mender::leave() {
  leaving_ = true;
  pool_.set_repair(nullptr);
  while (asking_ > 0 || !giving_.empty()) co_await idle_.wait();
}

rt::Task<Result<Buffer>> Mender::good_copy(VolumeId volume, Block block, Checksum expected) {
  if (leaving_) co_return fail(Code::cancelled, "the pool is being closed");
  if (giving_.contains(Key{volume, block})) co_return fail(Code::corrupt, "it is damaged at the other end too");
  auto row = pool_.catalog().volumes.find(volume);
  if (row == pool_.catalog().volumes.end()) co_return fail(Code::not_found, "the volume is gone");
  VolumeUuid uuid = row->second.uuid;
  ++asking_;
  Result<GoodCopy> copy = co_await rt::run_on(control_, ask_there(ask_, pool_.id(), uuid, block, expected));
  --asking_;
  idle_.wake_all();
  if (!copy) co_return fail(copy.error());
  from_ = std::move(copy->from);
  co_return std::move(copy->bytes);
}

void Mender::met(const pool::Damage& damage) {
  if (told_.size() >= told_most) told_.clear();
  if (leaving_ || !told_.emplace(damage.where, damage.repaired).second) return;
  auto row = pool_.catalog().volumes.find(damage.volume);
  std::string volume = pool_.status().name;
  if (damage.volume.value != 0) volume += "/" + (row == pool_.catalog().volumes.end() ? std::to_string(damage.volume.value) : row->second.name);
  std::string cause = damage.where + ": " + damage.what;
  if (damage.repaired) cause += "; a good copy came from " + from_;
  control_.post(rt::Callback([tell = tell_, volume, repaired = damage.repaired, cause] { tell(volume, repaired, cause); }));
}

rt::Task<Result<Buffer>> Mender::give(VolumeUuid volume, Block block, Checksum expected) {
  if (leaving_) co_return fail(Code::cancelled, "the pool is being closed");
  std::optional<VolumeId> id;
  for (const auto& [known, row] : pool_.catalog().volumes) {
    if (row.uuid == volume && !row.hidden) id = known;
  }
  if (!id) co_return fail(Code::not_found, "the volume is gone");
  auto mark = giving_.insert(Key{*id, block});
  Result<Buffer> found = co_await look(*id, block, expected);
  giving_.erase(mark);
  idle_.wake_all();
  co_return found;
}

// As it is now; else as it was, where a snapshot still has it.
rt::Task<Result<Buffer>> Mender::look(VolumeId volume, Block block, Checksum expected) {
  AlignedBytes bytes(block_size);
  CO_TRY(pool::VolumeRef head, pool_.open_volume(volume));
  CO_TRY(bool there, co_await holds(std::move(head), block, expected, bytes));
  std::vector<std::pair<Lsn, std::pair<SnapshotId, std::size_t>>> views;
  for (const auto& [id, row] : pool_.catalog().snapshots) {
    auto at = std::find(row.volumes.begin(), row.volumes.end(), volume);
    if (at != row.volumes.end() && !row.hidden) views.push_back({row.lsn, {id, static_cast<std::size_t>(at - row.volumes.begin())}});
  }
  std::sort(views.begin(), views.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  if (views.size() > snapshots_most) views.resize(snapshots_most);
  for (std::size_t i = 0; i < views.size() && !there; ++i) {
    Result<pool::VolumeRef> view = pool_.open_snapshot(views[i].second.first, views[i].second.second);
    if (!view) continue;   // gone meanwhile
    CO_TRY(there, co_await holds(std::move(*view), block, expected, bytes));
  }
  if (!there) co_return fail(Code::not_found, "the block is not there as it should be");
  co_return Buffer(bytes.span().begin(), bytes.span().end());
}

}  // namespace lockstep::replica
