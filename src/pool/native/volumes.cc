#include <algorithm>

#include "pool/native/objects.h"

namespace lockstep::pool::native {

using store::VolumeRow;

namespace {
constexpr Bytes largest_volume{std::uint64_t{1} << 50};   // 1 PiB
}

Result<> check_name(std::string_view what, std::string_view name) {
  auto fine = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
  if (name.empty() || name.size() > 100 || name[0] == '.' || name[0] == '-' || !std::all_of(name.begin(), name.end(), fine)) {
    return fail(Code::invalid, std::string(what) + " name '" + std::string(name.substr(0, 100)) +
                                   "': a name is 1 to 100 letters, digits, '.', '_' and '-', and starts with neither '.' nor '-'");
  }
  return {};
}

std::string Objects::told(std::string_view what, std::string_view name) const { return std::string(what) + " '" + core_.name + "/" + std::string(name) + "'"; }

rt::Task<Result<>> Objects::commit(Changes changes, GroupState* stream) {
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), stream));
  co_return co_await core_.make_durable(lsn);
}

Result<VolumeRow*> Objects::visible(VolumeId volume) {
  VolumeState* state = core_.find(volume);
  if (!state || state->row->hidden) return fail(Code::not_found, "pool '" + core_.name + "' has no volume " + std::to_string(volume.value));
  return state->row;
}

Result<> Objects::name_is_free(std::string_view name) const {
  if (find_volume(name)) return fail(Code::exists, told("volume", name) + " exists already");
  return {};
}

std::optional<VolumeId> Objects::find_volume(std::string_view name) const {
  for (const auto& [id, row] : core_.catalog.volumes)
    if (!row.hidden && row.name == name) return id;
  return std::nullopt;
}

// A target's own changes are not part of the history it follows.
GroupState* Objects::stream_of(VolumeId volume) const {
  VolumeState* state = core_.find(volume);
  if (!state || !state->group) return nullptr;
  store::Role role = state->group->row->role;
  return role == store::Role::source || role == store::Role::target_writable ? state->group : nullptr;
}

bool Objects::in_use(VolumeId volume) const {
  VolumeState* state = core_.find(volume);
  return state && state->in_use();
}

rt::Task<Result<VolumeId>> Objects::create_volume(std::string name, Bytes size) {
  CO_TRY_VOID(check_name("volume", name));
  CO_TRY_VOID(name_is_free(name));
  if (size.value == 0 || size.value % sector_size != 0 || size > largest_volume)
    co_return fail(Code::invalid, told("volume", name) + ": a size is a multiple of 512 bytes, up to 1 PiB; " + std::to_string(size.value) + " is not");
  VolumeRow row;
  row.id = core_.catalog.next_volume;
  row.uuid = core_.host.random().id<VolumeUuid>();
  row.name = std::move(name);
  row.size = size;
  row.born = core_.catalog.epoch;
  row.created = core_.host.clock().wall();
  VolumeId id = row.id;
  Changes changes{std::move(row)};
  CO_TRY_VOID(co_await commit(std::move(changes), nullptr));
  co_return id;
}

rt::Task<Result<>> Objects::resize_volume(VolumeId volume, Bytes size) {
  CO_TRY(VolumeRow * row, visible(volume));
  if (size.value == 0 || size.value % sector_size != 0 || size > largest_volume)
    co_return fail(Code::invalid, told("volume", row->name) + ": a size is a multiple of 512 bytes, up to 1 PiB; " + std::to_string(size.value) + " is not");
  if (size < row->size) {
    // What lies behind the new end must read as zeroes if the volume grows again; snapshots keep it.
    if (in_use(volume)) co_return fail(Code::busy, told("volume", row->name) + " is in use: it can grow, but not shrink");
    co_return fail(Code::unsupported, told("volume", row->name) + ": volumes grow only");
  }
  if (size == row->size) co_return Result<>{};
  if (row->filling) co_return fail(Code::busy, told("volume", row->name) + " is still being filled from another system; wait until it is complete");
  VolumeRow next = *row;
  next.size = size;
  Changes changes{std::move(next)};
  co_return co_await commit(std::move(changes), stream_of(volume));
}

rt::Task<Result<>> Objects::rename_volume(VolumeId volume, std::string name) {
  CO_TRY(VolumeRow * row, visible(volume));
  CO_TRY_VOID(check_name("volume", name));
  if (row->name == name) co_return Result<>{};
  CO_TRY_VOID(name_is_free(name));
  VolumeRow next = *row;
  next.name = std::move(name);
  Changes changes{std::move(next)};
  co_return co_await commit(std::move(changes), nullptr);
}

rt::Task<Result<>> Objects::set_read_only(VolumeId volume, bool read_only) {
  CO_TRY(VolumeRow * row, visible(volume));
  if (row->read_only == read_only) co_return Result<>{};
  VolumeRow next = *row;
  next.read_only = read_only;
  Changes changes{std::move(next)};
  co_return co_await commit(std::move(changes), nullptr);
}

rt::Task<Result<>> Objects::delete_volume(VolumeId volume) {
  CO_TRY(VolumeRow * row, visible(volume));
  if (GroupState* group = core_.find(volume)->group)
    co_return fail(Code::busy, told("volume", row->name) + " is in group '" + group->row->name + "': remove it from the group first");
  if (in_use(volume)) co_return fail(Code::busy, told("volume", row->name) + " is in use: disconnect its clients first");
  VolumeRow hidden = *row;
  hidden.hidden = true;
  Changes changes{std::move(hidden)};
  add_unheld(changes);   // itself, unless something depends on it
  co_return co_await commit(std::move(changes), nullptr);
}

Result<VolumeRef> Objects::open_volume(VolumeId volume) {
  TRY_VOID(visible(volume));
  if (core_.closing) return fail(Code::cancelled, "pool '" + core_.name + "' is being closed");
  VolumeState& state = *core_.find(volume);
  auto open = state.open.lock();
  if (!open) {
    open = std::make_shared<NativeVolume>(access_, state);
    state.open = open;
  }
  return open;
}

}  // namespace lockstep::pool::native
