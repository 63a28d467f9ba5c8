#include "daemon/exports.h"

#include <utility>

namespace lockstep::daemon {

namespace {

constexpr Duration held_most = std::chrono::seconds(20);   // less than a handshake may take
constexpr Duration nap = std::chrono::milliseconds(20);

// On the pool's loop. Nothing: nobody is let in yet.
rt::Task<Result<std::optional<nbd::Found>>> open_volume(pool::Pool* pool, std::string name) {
  std::optional<VolumeId> id = pool->find_volume(name);
  if (!id) co_return fail(Code::not_found, "there is no volume '" + name + "' in pool '" + pool->status().name + "'");
  CO_TRY(pool::VolumeRef volume, pool->open_volume(*id));
  if (volume->hold() > Duration{0}) co_return std::optional<nbd::Found>();
  co_return nbd::Found(pool->loop(), std::move(volume), "");
}

}  // namespace

rt::Task<Result<std::vector<nbd::Listed>>> Exports::list() {
  std::vector<nbd::Listed> out;
  std::vector<std::string> names = co_await system_.export_names();
  for (std::string& name : names) out.push_back({std::move(name), ""});
  co_return out;
}

rt::Task<Result<nbd::Found>> Exports::find(std::string name) {
  if (name.empty()) {
    std::vector<std::string> names = co_await system_.export_names();
    if (names.size() != 1) co_return fail(Code::not_found, "say which export: POOL/VOLUME");
    name = names.front();
  }
  rt::Loop& control = *rt::Loop::current();
  const Instant end = control.clock().now() + held_most;
  for (;;) {
    pool::Pool* pool = system_.pool_of_export(name);
    if (!pool) co_return fail(Code::not_found, "there is no export '" + name + "'");
    std::string volume = manage::split_name(name).name;
    auto found = co_await rt::run_on(pool->loop(), open_volume(pool, std::move(volume)));
    if (!found) co_return fail(std::move(found).error());
    if (*found) co_return std::move(**found);
    if (control.clock().now() >= end)
      co_return fail(Code::busy, "export '" + name + "' is still getting back from its replica what it lost in a power cut; try again");
    rt::Stop never;
    ignore(co_await rt::sleep_for(control, nap, never), "nobody stops this sleep");
  }
}

}  // namespace lockstep::daemon
