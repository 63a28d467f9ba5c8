#include "manage/schema.h"

namespace lockstep::manage {

namespace {

constexpr const char* steps[] = {
    R"sql(
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (
  user TEXT PRIMARY KEY, role INTEGER NOT NULL, enabled INTEGER NOT NULL, must_change INTEGER NOT NULL,
  log2_n INTEGER NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pools (name TEXT PRIMARY KEY, path TEXT NOT NULL, capacity INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE peers (id BLOB PRIMARY KEY, name TEXT NOT NULL, addresses TEXT NOT NULL, fingerprint BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE relationships (
  id BLOB NOT NULL, far_end INTEGER NOT NULL, name TEXT NOT NULL, sync_type INTEGER NOT NULL,
  mode INTEGER NOT NULL, rpo_seconds INTEGER NOT NULL, on_link_loss INTEGER NOT NULL, on_rpo INTEGER NOT NULL,
  limit_per_second INTEGER NOT NULL, journal_budget INTEGER NOT NULL, adaptive_bound_ms INTEGER NOT NULL,
  peer BLOB NOT NULL, pool BLOB NOT NULL, volume_group BLOB NOT NULL, peer_pool TEXT NOT NULL, peer_group TEXT NOT NULL,
  pairs BLOB NOT NULL, intent INTEGER NOT NULL, created INTEGER NOT NULL, when_activated INTEGER NOT NULL,
  when_synchronized INTEGER NOT NULL, when_suspended INTEGER NOT NULL, when_failed_over INTEGER NOT NULL,
  when_established INTEGER NOT NULL, PRIMARY KEY (id, far_end)) WITHOUT ROWID;
CREATE TABLE jobs (
  id BLOB PRIMARY KEY, what TEXT NOT NULL, object TEXT NOT NULL, state INTEGER NOT NULL, percent INTEGER NOT NULL,
  done INTEGER NOT NULL, total INTEGER NOT NULL, submitted INTEGER NOT NULL, started INTEGER NOT NULL,
  changed INTEGER NOT NULL, ended INTEGER NOT NULL, error_code INTEGER NOT NULL, error_kind INTEGER NOT NULL,
  error_message TEXT NOT NULL, error_next_step TEXT NOT NULL, error_parameter TEXT NOT NULL, result TEXT NOT NULL,
  awaits BLOB, await_states TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
  number INTEGER PRIMARY KEY, time INTEGER NOT NULL, severity INTEGER NOT NULL, kind TEXT NOT NULL,
  object_type TEXT NOT NULL, object TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, cause TEXT NOT NULL);
)sql",
    R"sql(
ALTER TABLE relationships ADD COLUMN schedule TEXT NOT NULL DEFAULT '';
ALTER TABLE relationships ADD COLUMN compress INTEGER NOT NULL DEFAULT 0;
)sql",
    R"sql(
ALTER TABLE relationships ADD COLUMN consistency INTEGER NOT NULL DEFAULT 1;
)sql",
    R"sql(
ALTER TABLE relationships ADD COLUMN siblings BLOB NOT NULL DEFAULT x'';
)sql",
};

}  // namespace

std::span<const char* const> schema_steps() { return steps; }

}  // namespace lockstep::manage
