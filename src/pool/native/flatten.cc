// Flattening: a head that was cloned or reverted often gets blocks of its own for all that it shares, in the background, and then depends
// on nothing any more. Its blocks are written anew as records of this pool's own: nothing changes for hosts, groups or followers.
#include <algorithm>

#include "pool/native/objects.h"

namespace lockstep::pool::native {

namespace {

constexpr unsigned flatten_from = 8;    // origins of origins: half of what there may be
constexpr unsigned waits_from = 12;     // a snapshot would pin the chain: it waits for the end of the flattening
constexpr std::uint64_t slice = 15;     // blocks at once, so that hosts' writes come in between
constexpr std::uint64_t breath_after = 256;
constexpr Duration breath = std::chrono::milliseconds(10);

}  // namespace

void Objects::flatten_soon(VolumeId volume) {
  if (depth_of(volume) < flatten_from || flattening_.contains(volume) || filled_.contains(volume)) return;
  flattening_.insert(volume);
  core_.scope.spawn(flatten(volume));
}

rt::Task<void> Objects::flatten(VolumeId volume) {
  Result<> done = co_await fill(volume);
  if (done) {
    filled_.insert(volume);
    co_await drop_origins();
  }
  flattening_.erase(volume);
  core_.changed.wake_all();
}

rt::Task<Result<>> Objects::fill(VolumeId volume) {
  constexpr std::size_t extents_most = 64;
  std::uint64_t written = 0;
  for (Bytes at{0};;) {
    VolumeState* state = core_.find(volume);
    if (!state || state->row->hidden || core_.closing) co_return fail(Code::cancelled, "the volume is gone, or its pool");
    NativeVolume head(access_, *state);   // nobody's: a volume that is being flattened can be deleted
    const Bytes size = head.size();
    if (at >= size) co_return Result<>{};
    CO_TRY(std::vector<BlockExtent> extents, co_await head.extents(at, size - at, extents_most));
    if (extents.empty()) co_return Result<>{};
    for (const BlockExtent& extent : extents) {
      at = extent.at + extent.length;
      if (extent.hole || extent.zero) continue;
      const std::uint64_t end = (at.value + block_size - 1) / block_size;
      for (std::uint64_t block = extent.at.value / block_size; block < end; block += slice) {
        if (!core_.find(volume) || core_.closing) co_return fail(Code::cancelled, "the volume is gone, or its pool");
        const std::uint64_t count = std::min(slice, end - block);
        CO_TRY_VOID(co_await head.take_over(Block{block}, count));
        written += count;
        if (written < breath_after) continue;
        written = 0;
        bool goes_on = co_await rt::sleep_for(core_.loop, breath, core_.scope.stop());
        if (!goes_on) co_return fail(Code::cancelled, "the pool is being closed");
      }
    }
  }
}

// Of heads that have all blocks themselves: as soon as no snapshot or clone of theirs needs what they came from.
rt::Task<void> Objects::drop_origins() {
  auto ready = [this](VolumeId volume) {
    auto in_snapshot = [&](const auto& row) { return std::ranges::find(row.second.volumes, volume) != row.second.volumes.end(); };
    auto cloned = [&](const auto& row) { return row.second.origin == volume; };
    return std::ranges::none_of(core_.catalog.snapshots, in_snapshot) && std::ranges::none_of(core_.catalog.volumes, cloned);
  };
  const std::set<VolumeId> filled = filled_;
  for (VolumeId volume : filled) {
    VolumeState* state = core_.find(volume);
    if (!state || state->row->hidden) filled_.erase(volume);
    if (!filled_.contains(volume) || !ready(volume)) continue;
    filled_.erase(volume);
    store::VolumeRow row = *state->row;
    row.origin = VolumeId{};
    row.origin_epoch = Epoch{};
    Changes changes{std::move(row)};
    auto appended = core_.append_catalog(std::move(changes), nullptr);
    if (!appended) co_return;
    if (auto open = state->open.lock()) open->look_again();
    Changes unheld;
    add_unheld(unheld);
    if (unheld.empty()) continue;
    ignore(co_await commit(std::move(unheld), nullptr), "what nothing needs any more is found again with the next deletion");
  }
}

rt::Task<void> Objects::await_shallow(GroupId group) {
  GroupState* state = core_.find(group);
  if (!state) co_return;
  const std::vector<VolumeId> members = state->row->members;
  for (VolumeId member : members) {
    if (depth_of(member) < waits_from) continue;
    flatten_soon(member);
    while (flattening_.contains(member) && !core_.closing && !core_.stopped) co_await core_.changed.wait();
  }
}

}  // namespace lockstep::pool::native
