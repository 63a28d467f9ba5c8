#include "pool/native/native.h"

namespace lockstep::pool::native {

NativePool::NativePool(os::Host& machine, std::unique_ptr<os::Host> on_device, rt::Loop& loop, Options options)
    : on_device_(std::move(on_device)),
      core_(on_device_ ? *on_device_ : machine, loop, std::move(options)),
      admission_(core_),
      answers_(core_),
      reader_(core_),
      writer_(core_, admission_, reader_),
      access_{core_, admission_, answers_, reader_, writer_},
      objects_(access_),
      shipping_(access_),
      filler_(access_, shipping_),
      followers_(core_),
      checkpointer_(core_, admission_, followers_) {}

NativePool::~NativePool() = default;

Status NativePool::status() const {
  Status status;
  status.id = core_.id;
  status.name = core_.name;
  status.space = core_.store->space();
  status.damage = core_.damage;
  status.stopped = core_.stopped;
  status.overlay_used = core_.overlay->bytes();
  status.appended = core_.journal->appended();
  status.received = core_.journal->received();
  status.durable = core_.journal->durable();
  status.checkpoint = core_.store->checkpoint_lsn();
  status.first = core_.journal->first();
  status.journal_bytes = core_.journal->bytes_after(Lsn{std::max<std::uint64_t>(status.first.value, 1) - 1});
  return status;
}

void NativePool::set_acks(GroupId group, Acks* acks) {
  GroupState* state = core_.find(group);
  if (!state) return;
  state->acks = acks;
  answers_.acks_moved(*state);
}

void NativePool::set_fetch(GroupId group, Fetch* fetch) {
  if (GroupState* state = core_.find(group)) state->fetch = fetch;
}

void NativePool::acks_moved(GroupId group) {
  if (GroupState* state = core_.find(group)) answers_.acks_moved(*state);
}

WallTime NativePool::time_of_oldest_after(GroupId group, Lsn after) const {
  GroupState* state = core_.find(group);
  if (!state || state->last <= after) return {};
  WallTime time = state->times.oldest_after(after);
  return time.us != 0 ? time : core_.opened_at;   // written before this pool was opened, and no longer in its journal
}

Bytes NativePool::written(GroupId group) const {
  GroupState* state = core_.find(group);
  return Bytes{state ? state->times.total() : 0};
}

Bytes NativePool::written_after(GroupId group, Lsn after) const {
  GroupState* state = core_.find(group);
  return Bytes{state ? state->times.bytes_after(after) : 0};
}

WallTime NativePool::dated(GroupId group) const {
  GroupState* state = core_.find(group);
  return state ? state->dated : WallTime{};
}

rt::Task<Result<store::View>> NativePool::settled_view(SnapshotId snapshot, std::size_t index) {
  auto at = core_.catalog.snapshots.find(snapshot);
  if (at == core_.catalog.snapshots.end()) co_return fail(Code::not_found, "pool '" + core_.name + "' has no snapshot " + text_of(snapshot));
  if (index >= at->second.volumes.size()) co_return fail(Code::out_of_range, "snapshot '" + at->second.name + "' has fewer volumes");
  store::View view{at->second.volumes[index], at->second.epoch};
  if (core_.store->checkpoint_lsn() < at->second.lsn) CO_TRY_VOID(co_await checkpoint());
  if (!core_.catalog.snapshots.contains(snapshot)) co_return fail(Code::not_found, "the snapshot was deleted meanwhile");
  co_return view;
}

rt::Task<Result<std::vector<Checksum>>> NativePool::leaf_hashes(SnapshotId snapshot, std::size_t index, std::uint64_t from_leaf, std::size_t count) {
  CO_TRY(store::View view, co_await settled_view(snapshot, index));
  co_return co_await core_.store->leaf_hashes(view, from_leaf, count);
}

rt::Task<Result<std::vector<store::Entry>>> NativePool::leaf_entries(SnapshotId snapshot, std::size_t index, std::uint64_t leaf) {
  CO_TRY(store::View view, co_await settled_view(snapshot, index));
  std::vector<store::Entry> entries(store::leaf_blocks);
  CO_TRY_VOID(co_await core_.store->lookup(view, Block{leaf * store::leaf_blocks}, entries));
  co_return entries;
}

rt::Task<Result<>> NativePool::checkpoint() {
  CO_TRY_VOID(core_.writable());
  co_return co_await checkpointer_.now();
}

rt::Task<Result<>> NativePool::close() {
  if (closed_) co_return Result<>{};
  for (const auto& [id, volume] : core_.volumes)
    if (volume->in_use()) co_return fail(Code::busy, "pool '" + core_.name + "': volume '" + volume->row->name + "' is in use");
  Result<> outcome;
  if (core_.stopped) {
    outcome = core_.writable();
  } else if (!core_.damage) {
    core_.closing = true;
    outcome = co_await checkpointer_.now();
  }
  core_.closing = true;
  co_return co_await tear_down(std::move(outcome));
}

rt::Task<Result<>> NativePool::tear_down(Result<> outcome) {
  closed_ = true;
  core_.closing = true;
  core_.scope.stop().request();
  core_.wake_all();
  co_await core_.scope.join();
  if (core_.journal) {
    auto done = co_await core_.journal->close();
    if (outcome && !done) outcome = std::move(done);
  }
  if (core_.store) {
    auto done = co_await core_.store->close();
    if (outcome && !done) outcome = std::move(done);
  }
  auto release = [lock = std::move(lock_)]() mutable { lock.reset(); };
  co_await rt::work(core_.loop, std::move(release));
  co_return outcome;
}

}  // namespace lockstep::pool::native
