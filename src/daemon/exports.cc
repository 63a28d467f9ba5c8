#include "daemon/exports.h"

#include <utility>

namespace lockstep::daemon {

namespace {

// On the pool's loop.
rt::Task<Result<nbd::Found>> open_volume(pool::Pool* pool, std::string name) {
  std::optional<VolumeId> id = pool->find_volume(name);
  if (!id) co_return fail(Code::not_found, "there is no volume '" + name + "' in pool '" + pool->status().name + "'");
  CO_TRY(pool::VolumeRef volume, pool->open_volume(*id));
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
  pool::Pool* pool = system_.pool_of_export(name);
  if (!pool) co_return fail(Code::not_found, "there is no export '" + name + "'");
  std::string volume = manage::split_name(name).name;
  co_return co_await rt::run_on(pool->loop(), open_volume(pool, std::move(volume)));
}

}  // namespace lockstep::daemon
