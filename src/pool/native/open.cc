// Opening: who lives here, what the store holds, what the journal adds to it; then a new stretch of history where the last one ended badly.
#include <utility>

#include "pool/device/host.h"
#include "pool/native/native.h"

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;

namespace {

Result<> check(const Options& o) {
  if (o.overlay.value < 16 * (direct_from + block_size)) return fail(Code::invalid, "the overlay needs at least 16 times 68 KiB");
  if (o.journal.batch_max.value < direct_from + 2 * block_size) return fail(Code::invalid, "a journal batch needs at least 72 KiB");
  return {};
}

}  // namespace

rt::Task<Result<>> NativePool::open(std::string directory, std::string name, bool create) {
  CO_TRY_VOID(check(core_.options));
  if (create) CO_TRY_VOID(check_name("pool", name));
  core_.directory = directory;
  auto move = [&files = core_.host.files(), &random = core_.host.random(), &directory, &name, create] { return move_in(files, random, directory, name, create); };
  CO_TRY(Home home, co_await rt::work(core_.loop, move));
  core_.id = home.identity.id;
  core_.name = home.identity.name;
  lock_ = std::move(home.lock);
  auto recovered = co_await recover(home.fresh);
  if (recovered && home.fresh) {
    auto stay = [&files = core_.host.files(), &directory] { return settle(files, directory); };
    recovered = co_await rt::work(core_.loop, stay);
  }
  if (recovered) co_return Result<>{};
  Result<> failed = fail(recovered.error().in("pool '" + core_.name + "'"));
  co_return co_await tear_down(std::move(failed));
}

rt::Task<Result<>> NativePool::recover(bool fresh) {
  CO_TRY(core_.store, co_await store::open(core_.host, core_.loop, core_.directory + "/store", core_.id, core_.options.store));
  const Lsn checkpoint = core_.store->checkpoint_lsn();
  core_.catalog = core_.store->catalog();
  core_.overlay.emplace(core_.catalog.epoch, checkpoint);
  core_.refresh();
  core_.opened_at = core_.host.clock().wall();

  core_.replaying = true;
  auto on_record = [this](const Record& record) { return replayed(record); };
  auto believed = [this](const Record& record) { return believe(record); };
  CO_TRY(journal::Opened opened, co_await journal::open(core_.host, core_.loop, core_.directory + "/journal", core_.id, core_.options.journal, checkpoint,
                                                        checkpoint, on_record, believed));
  core_.journal = std::move(opened.journal);
  core_.damage = opened.damage;
  if (checkpoint < opened.checkpoint_lsn) {
    co_return fail(Code::corrupt, core_.directory + "/store is older than its journal: it holds history up to record " + std::to_string(checkpoint.value) +
                                      ", and the journal begins after record " + std::to_string(opened.checkpoint_lsn.value) +
                                      ". Bring back the store that belongs to this journal, or resynchronize from a replica");
  }
  if (!core_.damage && opened.last < checkpoint) {
    co_return fail(Code::corrupt, core_.directory + "/journal is older than the store: it ends at record " + std::to_string(opened.last.value) +
                                      ", and the store holds history up to record " + std::to_string(checkpoint.value) +
                                      ". Bring back the journal that belongs to this store, or resynchronize from a replica");
  }
  CO_TRY_VOID(co_await shipping_.recall());
  core_.replaying = false;
  for (const auto& [id, snapshot] : core_.catalog.snapshots)
    if (GroupState* group = core_.find(snapshot.group)) group->dated = std::max(group->dated, snapshot.as_of);
  core_.refresh();   // writability depends on damage
  core_.journal->on_received([this] { answers_.received_moved(); });
  core_.journal->beside_sync([this] { return core_.sync_big_writes(); });
  core_.store->journal_released(core_.damage ? Lsn{0} : followers_.released(checkpoint));
  if (!core_.damage) {
    // Admitted once, so there is space: what is kept back serves where new admissions would be refused.
    auto reserved = co_await reserve_replayed(core_.overlay->reserved());
    if (!reserved) core_.damage = reserved.error().message;
    core_.refresh();
  }
  if (core_.damage) co_return Result<>{};
  checkpointer_.start();
  if (!opened.clean && !fresh) CO_TRY_VOID(co_await objects_.begin_generations());
  co_return Result<>{};
}

rt::Task<Result<>> NativePool::reserve_replayed(std::uint64_t blocks) {
  for (;;) {
    auto reserved = core_.store->reserve(blocks, true);
    if (reserved || reserved.error().code != Code::busy) co_return reserved;
    CO_TRY_VOID(co_await core_.store->room());
  }
}

// Big writes that no sync is known to have covered: a power cut may have kept the record and lost the data.
rt::Task<Result<bool>> NativePool::believe(const Record& record) {
  constexpr std::size_t step = 256;   // blocks
  if (!std::exchange(believed_synced_, true)) CO_TRY_VOID(co_await core_.store->sync_data());   // what is there now, stays
  Buffer bytes(std::min<std::uint64_t>(record.count, step) * block_size);
  for (std::size_t i = 0; i < record.count;) {
    std::size_t end = i + 1;
    while (end < record.count && end - i < step && record.place(end).value == record.place(i).value + (end - i)) ++end;
    MutSpan part = MutSpan(bytes).first((end - i) * block_size);
    auto read = co_await core_.store->read_data(record.place(i), part);
    if (!read && read.error().code != Code::out_of_range) co_return fail(std::move(read).error());
    if (!read) co_return false;
    for (std::size_t j = i; j < end; ++j)
      if (checksum_of(part.subspan((j - i) * block_size, block_size)) != record.checksum(j)) co_return false;
    i = end;
  }
  co_return true;
}

Result<> NativePool::replayed(const Record& record) {
  if (record.kind == Kind::direct) {
    for (std::size_t i = 0; i < record.count;) {
      std::size_t end = i + 1;
      while (end < record.count && record.place(end).value == record.place(i).value + (end - i)) ++end;
      TRY_VOID(core_.store->mark_used(store::Run{record.place(i), end - i}));
      i = end;
    }
  }
  return core_.fold(record);
}

}  // namespace lockstep::pool::native

namespace lockstep::pool {

namespace {

// Nothing where `path` is a directory, or nothing yet.
rt::Task<Result<std::unique_ptr<os::Host>>> device_at(os::Host& host, rt::Loop& loop, const std::string& path, bool create, Options& options) {
  auto job = [&host, &path, create, chunk = options.chunk]() -> Result<std::unique_ptr<device::Device>> {
    TRY(os::PathKind kind, host.files().kind_of(path));
    if (kind == os::PathKind::other) return fail(Code::invalid, path + ": a pool lies in a directory, an image file or a block device");
    if (kind != os::PathKind::file && kind != os::PathKind::device) return std::unique_ptr<device::Device>();
    return device::Device::open(host.files(), host.random(), path, create, chunk);
  };
  auto working = rt::work(loop, job);
  CO_TRY(std::unique_ptr<device::Device> device, co_await working);
  if (!device) co_return std::unique_ptr<os::Host>();
  // Metadata grow by chunks there.
  options.store.metadata_reserve = std::max(options.store.metadata_reserve, Bytes{8 * device->table().chunk().value});
  co_return std::make_unique<device::DeviceHost>(host, std::move(device));
}

}  // namespace

rt::Task<Result<std::unique_ptr<Pool>>> open_native(os::Host& host, rt::Loop& loop, std::string path, std::string name, Options options, bool create) {
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  CO_TRY(std::unique_ptr<os::Host> on_device, co_await device_at(host, loop, path, create, options));
  auto pool = std::make_unique<native::NativePool>(host, std::move(on_device), loop, std::move(options));
  CO_TRY_VOID(co_await pool->open(std::move(path), std::move(name), create));
  co_return std::unique_ptr<Pool>(std::move(pool));
}

}  // namespace lockstep::pool
