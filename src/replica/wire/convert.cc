#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr int history_most = 10'000;  // generations; each begins with a promotion or a power cut

}  // namespace

void put(Origin from, wire::Origin& into) {
  into.set_generation(bytes_of(from.generation));
  into.set_lsn(from.lsn.value);
}

Origin origin_from(const wire::Origin& from) {
  return {id_from<Generation>(from.generation()), Lsn{from.lsn()}};
}

void put(const Past& from, wire::Past& into) {
  for (const auto& entry : from.history) {
    wire::HistoryEntry* out = into.add_history();
    out->set_generation(bytes_of(entry.generation));
    put(entry.parent, *out->mutable_parent());
  }
  put(from.position, *into.mutable_position());
}

Result<Past> past_from(const wire::Past& from) {
  if (from.history_size() > history_most)
    return fail(Code::corrupt, "a history longer than any that is kept");
  Past past;
  for (const auto& entry : from.history()) {
    past.history.push_back({id_from<Generation>(entry.generation()), origin_from(entry.parent())});
    if (past.history.back().generation.is_none())
      return fail(Code::corrupt, "a history with a nameless generation");
  }
  past.position = origin_from(from.position());
  return past;
}

void put(const Settings& from, wire::Settings& into) {
  into.set_mode(static_cast<std::uint32_t>(from.mode));
  into.set_rpo_seconds(from.rpo_seconds);
  into.set_on_link_loss(static_cast<std::uint32_t>(from.on_link_loss));
  into.set_on_rpo(static_cast<std::uint32_t>(from.on_rpo));
  into.set_limit_per_second(from.limit_per_second.value);
  into.set_journal_budget(from.journal_budget.value);
  into.set_adaptive_bound_ms(from.adaptive_bound_ms);
  into.set_schedule(text_of(from.schedule));
  into.set_compress(from.compress);
  into.set_no_consistency(!from.consistency);
}

Result<Settings> settings_from(const wire::Settings& from) {
  bool known = from.mode() >= 2 && from.mode() <= 4 && from.on_link_loss() <= 1 && from.on_rpo() <= 1;
  if (!known) return fail(Code::unsupported, "settings that this system does not know; update it");
  Settings out;
  out.mode = static_cast<Mode>(from.mode());
  out.rpo_seconds = from.rpo_seconds();
  out.on_link_loss = static_cast<LinkLoss>(from.on_link_loss());
  out.on_rpo = static_cast<RpoAction>(from.on_rpo());
  out.limit_per_second = Bytes{from.limit_per_second()};
  out.journal_budget = Bytes{from.journal_budget()};
  out.adaptive_bound_ms = from.adaptive_bound_ms();
  TRY(out.schedule, parse_schedule(from.schedule()));
  out.compress = from.compress();
  out.consistency = !from.no_consistency();
  return out;
}

void put(const Error& from, wire::Failure& into) {
  into.set_code(static_cast<std::uint32_t>(from.code));
  into.set_message(from.message);
}

Error error_from(const wire::Failure& from) {
  bool known = from.code() <= static_cast<std::uint32_t>(Code::changed);
  return {known ? static_cast<Code>(from.code()) : Code::io, from.message()};
}

CopyState copy_state_from(std::uint32_t number) {
  return number >= 2 && number <= 14 ? static_cast<CopyState>(number) : CopyState::not_applicable;
}

Result<store::Role> role_from(std::uint32_t number) {
  if (number > static_cast<std::uint32_t>(store::Role::target_writable))
    return fail(Code::unsupported, "a role that this system does not know; update it");
  return static_cast<store::Role>(number);
}

}  // namespace lockstep::replica
