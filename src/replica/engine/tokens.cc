// Tokens, as the engine is asked for them: made, listed and revoked where the group is; used by a system that is paired
// with that one (or by that one itself).
#include <algorithm>

#include "replica/engine/engine.h"
#include "replica/group/point.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr Duration use_most = std::chrono::minutes(2);
constexpr Duration valid_most = std::chrono::hours(24 * 366);

// On a pool's loop.
rt::Task<Result<SnapshotId>> pin(pool::Pool& pool, GroupId group, Pin what, WallTime now) {
  co_return co_await pin_group(pool, group, std::move(what), now);
}
rt::Task<std::vector<TokenReport>> tokens_of(pool::Pool& pool) {
  std::vector<TokenReport> out;
  std::vector<std::pair<Pinned, store::SnapshotRow>> all = pins_of(pool);
  for (const auto& [pinned, row] : all) {
    TokenReport report;
    report.id = pinned.snapshot;
    report.pool = pool.id();
    report.group = pinned.group;
    report.taken = row.time;
    report.expires = pinned.pin.expires;
    report.reusable = pinned.pin.reusable;
    report.users = pinned.pin.users;
    out.push_back(std::move(report));
  }
  co_return out;
}
rt::Task<std::optional<Pinned>> look_for(pool::Pool& pool, Digest digest) { co_return find_pin(pool, digest); }
rt::Task<Result<>> unhold(pool::Pool& pool, SnapshotId snapshot) {
  if (!pool.catalog().snapshots.contains(snapshot)) co_return Result<>{};
  co_return co_await pool.delete_snapshot(snapshot);
}
rt::Task<Result<>> expire(pool::Pool& pool, WallTime now) { co_return co_await drop_expired(pool, now); }
rt::Task<Result<>> sweep(pool::Pool& pool, std::vector<RelationshipId> known) {
  co_return co_await drop_orphans(pool, std::move(known));
}

// For what is ended by force: nobody watches it.
class Nobody final : public Watcher {
 public:
  void progress(Bytes /*done*/, Bytes /*total*/) override {}
  rt::Stop& stop() override { return stop_; }

 private:
  rt::Stop stop_;
};

}  // namespace

rt::Task<Result<std::string>> MirrorEngine::create_token(TokenRequest request) {
  if (request.valid <= Duration{0} || request.valid > valid_most)
    co_return fail(Code::invalid, "a token is valid for 1 second to 366 days");
  pool::Pool* pool = pools_.find(request.pool);
  if (pool == nullptr) co_return fail(Code::not_found, "the group's pool is not open");
  Token token;
  token.kind = Token::Kind::copy;
  token.system = ground_.self.id;
  token.fingerprint = peers_.fingerprint();
  token.addresses = std::move(request.advertised);
  if (token.addresses.size() > 8) token.addresses.resize(8);
  ground_.host.random().fill(token.secret);
  WallTime now = ground_.host.clock().wall();
  token.expires.us = now.us + std::chrono::duration_cast<std::chrono::microseconds>(request.valid).count();
  Pin what;
  what.expires = token.expires;
  what.reusable = request.reusable;
  what.digest = digest_of(token.secret);
  GroupId group = request.group;
  Result<SnapshotId> held = co_await rt::run_on(pool->loop(), pin(*pool, group, std::move(what), now));
  if (!held) co_return fail(held.error());
  co_return encode(token);
}

rt::Task<std::vector<TokenReport>> MirrorEngine::tokens() {
  std::vector<TokenReport> out;
  for (pool::Pool* pool : pools_.pools()) {
    std::vector<TokenReport> some = co_await rt::run_on(pool->loop(), tokens_of(*pool));
    for (TokenReport& report : some) out.push_back(std::move(report));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return std::pair(a.taken, a.id) < std::pair(b.taken, b.id); });
  co_return out;
}

rt::Task<Result<>> MirrorEngine::revoke_token(SnapshotId id, bool force) {
  std::vector<TokenReport> all = co_await tokens();
  auto found = std::find_if(all.begin(), all.end(), [&](const TokenReport& report) { return report.id == id; });
  if (found == all.end()) co_return fail(Code::not_found, "there is no token " + text_of(id));
  std::string names;
  std::vector<EntryRef> users;
  for (RelationshipId user : found->users) {
    EntryRef entry = roster_.find(user);
    if (entry == nullptr) continue;
    names += (names.empty() ? "'" : ", '") + entry->kept.name + "'";
    users.push_back(std::move(entry));
  }
  if (!users.empty() && !force)
    co_return fail(Code::busy, "copies run from this token: " + names + "; to revoke it ends them, which takes force");
  for (EntryRef& entry : users) {
    Nobody nobody;
    Result<> ended = co_await operations_.operate(entry, Operation::abort, nobody);
    bool by_itself = !ended && (ended.error().code == Code::not_found || ended.error().code == Code::busy);
    if (!ended && !by_itself) co_return ended;
  }
  pool::Pool* pool = pools_.find(found->pool);
  if (pool == nullptr) co_return fail(Code::not_found, "the token's pool is not open");
  co_return co_await rt::run_on(pool->loop(), unhold(*pool, id));
}

rt::Task<Result<RelationshipId>> MirrorEngine::use_token(TokenUse use) {
  CO_TRY(Token token, decode_token(use.token, Token::Kind::copy));
  if (token.expires <= ground_.host.clock().wall()) co_return fail(Code::denied, "the token has expired; ask for a new one");
  const Peer* peer = peers_.find(token.system);
  bool own = token.system == ground_.self.id;
  if (!own && (peer == nullptr || peer->fingerprint != token.fingerprint)) {
    co_return fail(Code::denied, "the token is of a system that this one does not know; pair them with `peer invite` and `peer join` first");
  }
  wire::Request request;
  wire::UseToken* asked = request.mutable_use_token();
  asked->set_secret(std::string(as_text(token.secret)));
  asked->set_name(use.name);
  asked->set_pool(use.target_pool);
  asked->set_group(use.target_group);
  put(use.settings, *asked->mutable_settings());
  SystemId to = token.system;
  Result<wire::Reply> reply = co_await peers_.call(to, std::move(request), use_most);
  if (!reply) co_return fail(reply.error());
  co_return id_from<RelationshipId>(reply->use_token().relationship());
}

rt::Task<Result<wire::UseTokenReply>> MirrorEngine::answer_use_token(SystemId from, wire::UseToken use) {
  Secret secret{};
  if (use.secret().size() != secret.size()) co_return fail(Code::invalid, "that is no token");
  std::copy_n(as_span(use.secret()).begin(), secret.size(), secret.begin());
  Digest digest = digest_of(secret);
  CreateRequest request;
  std::optional<Pinned> pinned;
  for (pool::Pool* pool : pools_.pools()) {
    std::optional<Pinned> here = co_await rt::run_on(pool->loop(), look_for(*pool, digest));
    if (!here) continue;
    pinned = here;
    request.pool = pool->id();
  }
  if (!pinned)
    co_return fail(Code::denied, "system '" + ground_.self.name + "' knows no such token: it was revoked, is used up, has expired, or never was one");
  CO_TRY(request.settings, settings_from(use.settings()));
  request.name = use.name();
  request.sync_type = SyncType::tokenized_clone;
  request.group = pinned->group;
  request.target_system = from;
  request.target_pool = use.pool();
  request.target_group = use.group();
  Result<EntryRef> entry = co_await creation_.create(std::move(request), std::move(pinned));
  if (!entry) co_return fail(entry.error());
  flows_.start(*entry);
  if (!(*entry)->gone) roster_.tell(*entry);
  wire::UseTokenReply reply;
  reply.set_relationship(bytes_of((*entry)->kept.id));
  reply.set_name((*entry)->kept.name);
  co_return reply;
}

rt::Task<void> MirrorEngine::sweep_points() {
  for (pool::Pool* pool : pools_.pools()) {
    std::vector<RelationshipId> known;
    for (const auto& [id, entry] : roster_.all()) known.push_back(id);
    Result<> swept = co_await rt::run_on(pool->loop(), sweep(*pool, std::move(known)));
    ignore(swept, "what is left is tried again at the next start");
  }
}

rt::Task<void> MirrorEngine::drop_expired_tokens() {
  WallTime now = ground_.host.clock().wall();
  for (pool::Pool* pool : pools_.pools()) {
    Result<> dropped = co_await rt::run_on(pool->loop(), expire(*pool, now));
    ignore(dropped, "it is tried again at the next tick");
  }
}

}  // namespace lockstep::replica
