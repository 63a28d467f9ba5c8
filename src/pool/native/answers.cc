#include "pool/native/answers.h"

#include <algorithm>

namespace lockstep::pool::native {

std::optional<Error> Answers::failed(const VolumeState& volume) const {
  if (core_.stopped) return core_.writable().error();
  if (volume.group && volume.group->acks) return volume.group->acks->refuses_writes();
  return std::nullopt;
}

void Answers::tell(VolumeState& volume) {
  // A watch may come or go while it is told: indices, not iterators.
  for (std::size_t i = 0; i < volume.watches.size(); ++i) volume.watches[i]->answers_moved();
}

void Answers::received_moved() {
  if (core_.journal->failed() && !core_.stopped) core_.stop(Error{Code::io, "its journal failed"});
  core_.arrived.wake_all();
  core_.answered.wake_all();
  std::vector<VolumeState*> untold;
  untold.swap(core_.untold);
  for (VolumeState* volume : untold) {
    volume->told = true;
    tell(*volume);
  }
  untold.clear();
  if (core_.untold.empty()) core_.untold.swap(untold);   // keeps its memory
}

void Answers::acks_moved(GroupState& group) {
  core_.answered.wake_all();
  if (!group.row) return;
  for (VolumeId member : group.row->members)
    if (VolumeState* volume = core_.find(member)) tell(*volume);
}

rt::Task<Result<>> Answers::await_received(Lsn lsn) {
  while (core_.journal->received() < lsn) {
    if (core_.stopped) co_return core_.writable();
    if (lsn > core_.journal->appended()) co_return fail(Code::invalid, "record " + std::to_string(lsn.value) + " was never appended");
    co_await core_.answered.wait();
  }
  co_return Result<>{};
}

rt::Task<Result<>> Answers::await_answerable(VolumeId id, Lsn lsn) {
  for (;;) {
    VolumeState* volume = core_.find(id);
    if (!volume) co_return fail(Code::not_found, "the volume is gone");
    if (answerable(*volume) >= lsn) co_return Result<>{};
    if (auto error = failed(*volume)) co_return fail(std::move(*error));
    co_await core_.answered.wait();
  }
}

rt::Task<Result<>> Answers::flush(VolumeId id) {
  VolumeState* volume = core_.find(id);
  if (!volume) co_return fail(Code::not_found, "the volume is gone");
  if (core_.damage) co_return Result<>{};   // nothing was written
  if (core_.stopped) co_return core_.writable();
  Lsn upto = core_.journal->appended();
  GroupState* group = volume->group;   // states of groups stay when groups go
  Lsn there = group ? group->last : Lsn{0};
  if (group && group->acks) group->acks->durable_wanted(there);
  CO_TRY_VOID(co_await core_.make_durable(upto));
  while (group && group->acks && group->acks->durable_elsewhere() < there) {
    if (core_.stopped) co_return core_.writable();
    if (auto refused = group->acks->refuses_writes()) co_return fail(std::move(*refused));
    group->acks->durable_wanted(there);
    co_await core_.answered.wait();
  }
  co_return Result<>{};
}

}  // namespace lockstep::pool::native
