#include "manage/kept_defaults.h"

#include <charconv>
#include <string>

namespace lockstep::manage {

namespace {

constexpr std::string_view prefix = "replica_defaults/";

std::string text_of(const ReplicaDefaults& defaults) {
  return std::to_string(defaults.target_element_supplier) + " " + std::to_string(defaults.thin_provisioning_policy);
}

Result<ReplicaDefaults> parse_defaults(std::string_view text) {
  ReplicaDefaults out;
  const char* end = text.data() + text.size();
  auto supplier = std::from_chars(text.data(), end, out.target_element_supplier);
  if (supplier.ec != std::errc{} || supplier.ptr == end) return fail(Code::corrupt, "replica defaults '" + std::string(text) + "' are not two numbers");
  auto policy = std::from_chars(supplier.ptr + 1, end, out.thin_provisioning_policy);
  if (policy.ec != std::errc{} || policy.ptr != end) return fail(Code::corrupt, "replica defaults '" + std::string(text) + "' are not two numbers");
  return out;
}

}  // namespace

rt::Task<Result<>> KeptDefaults::load() {
  Book::Job job = [this](db::Connection& connection) -> Result<> {
    TRY(db::Statement rows, connection.prepare("SELECT name, value FROM settings WHERE name LIKE 'replica\\_defaults/%' ESCAPE '\\'"));
    while (true) {
      TRY(bool more, rows.step());
      if (!more) return rows.read_well();
      TRY(GroupId group, parse_id<GroupId>(std::string_view(rows.get<std::string>(0)).substr(prefix.size())));
      TRY(kept_[group], parse_defaults(rows.get<std::string>(1)));
    }
  };
  co_return co_await book_.run(std::move(job));
}

rt::Task<Result<>> KeptDefaults::set(GroupId group, ReplicaDefaults defaults) {
  Result<> saved = co_await book_.set_setting(std::string(prefix) + lockstep::text_of(group), text_of(defaults));
  if (saved) kept_[group] = defaults;
  co_return saved;
}

rt::Task<Result<>> KeptDefaults::keep_only(std::set<GroupId> groups) {
  std::vector<GroupId> gone;
  for (const auto& [group, defaults] : kept_)
    if (!groups.contains(group)) gone.push_back(group);
  if (gone.empty()) co_return Result<>{};
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    for (GroupId group : gone) TRY_VOID(connection.run("DELETE FROM settings WHERE name = ?", std::string(prefix) + lockstep::text_of(group)));
    return {};
  };
  CO_TRY_VOID(co_await book_.run(std::move(job)));
  for (GroupId group : gone) kept_.erase(group);
  co_return Result<>{};
}

ReplicaDefaults KeptDefaults::of(GroupId group) const {
  auto found = kept_.find(group);
  return found == kept_.end() ? ReplicaDefaults{} : found->second;
}

void fill_in(CreateReplica& request, const ReplicaDefaults& defaults) {
  if (!request.target_element_supplier) request.target_element_supplier = defaults.target_element_supplier;
  if (!request.thin_provisioning_policy) request.thin_provisioning_policy = defaults.thin_provisioning_policy;
}

}  // namespace lockstep::manage
