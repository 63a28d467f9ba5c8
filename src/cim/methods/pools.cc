// MSFT_SMPool.
#include "cim/methods/resolve.h"
#include "cim/methods/sizes.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

// The only setting that a pool has; NULL means it.
Done check_setting(const Invocation& call, const manage::PoolInfo& pool) {
  std::optional<std::string> setting = call.in.text("PoolSettingObjectId");
  if (!setting || setting->empty() || *setting == setting_id_of(pool.status.id)) return {};
  return bad("PoolSettingObjectId", "pool '" + pool.status.name + "' has no setting '" + *setting + "'", "Give the one that MSFT_SMPoolToSetting gives, or NULL.");
}

std::uint64_t free_bytes(const manage::PoolInfo& pool) {
  const store::Space& space = pool.status.space;
  std::uint64_t taken = space.used.value + space.reserved.value;
  return space.total.value > taken ? (space.total.value - taken) / block_size * block_size : 0;
}

rt::Task<Done> create_volume(Invocation& call) {
  CIM_ASK(const manage::PoolInfo* pool, this_pool(call));
  Done wrong = check_setting(call, *pool);
  if (wrong.refusal) co_return wrong;
  wrong = check_goals(call);
  if (wrong.refusal) co_return wrong;
  std::optional<std::uint64_t> size = call.in.number("Size");
  bool maximum = call.in.flag("UseMaximumSize").value_or(false);
  if (size && maximum) co_return refused(size_or_maximum, "UseMaximumSize", "Size and UseMaximumSize exclude each other", "Give one of them.");
  if (!size && !maximum) co_return bad("Size", "Size is missing", "Give a size in bytes, or UseMaximumSize.");
  if (maximum) size = free_bytes(*pool);
  if (*size == 0 && maximum) co_return refused(static_cast<std::uint32_t>(manage::ReturnCode::insufficient_resources), "UseMaximumSize", "pool '" + pool->status.name + "' is full", "Delete what is not needed.");
  if (*size == 0) co_return refused(size_is_zero, "Size", "Size is 0", "Give a size in bytes.");
  wrong = check_size("Size", *size);
  if (wrong.refusal) co_return wrong;
  co_return co_await make_volume_in(call, pool->status.name, *size);
}

rt::Task<Done> remove(Invocation& call) {
  CIM_ASK(const manage::PoolInfo* pool, this_pool(call));
  manage::Answer<> done = co_await call.system.delete_pool(call.caller, pool->status.name);
  if (!done && done.error().code == manage::ReturnCode::failed && pool->volumes > 0) co_return refused(holds_volumes, done.error());
  co_return done_or_refused(done);
}

rt::Task<Done> sizes(Invocation& call) {
  CIM_ASK(const manage::PoolInfo* pool, this_pool(call));
  Done done = check_setting(call, *pool);
  if (done.refusal) co_return done;
  done.set("MinimumVolumeSize", number(smallest_volume)).set("MaximumVolumeSize", number(largest_volume)).set("VolumeSizeDivisor", number(sector_size));
  co_return done;
}

constexpr MethodEntry entries[] = {
    {pool_class, "CreateStorageVolume", create_volume},
    {pool_class, "Delete", remove},
    {pool_class, "GetSizesInfo", sizes},
};

}  // namespace

std::span<const MethodEntry> pool_methods() { return entries; }

}  // namespace lockstep::cim::model
