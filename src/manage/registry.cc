#include "manage/registry.h"

#include <algorithm>
#include <utility>

namespace lockstep::manage {

namespace {

std::string text_of_all(const std::vector<os::Address>& addresses) {
  std::string out;
  for (const os::Address& address : addresses) out += (out.empty() ? "" : "\n") + os::text_of(address);
  return out;
}

Result<std::vector<os::Address>> addresses_in(std::string_view text) {
  std::vector<os::Address> out;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    TRY(os::Address address, os::parse_address(text.substr(0, end)));
    out.push_back(std::move(address));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Buffer encoded(const std::vector<std::pair<VolumeUuid, VolumeUuid>>& pairs) {
  Buffer out;
  Writer writer(out);
  for (const auto& [here, there] : pairs) {
    writer.id(here);
    writer.id(there);
  }
  return out;
}

std::vector<std::pair<VolumeUuid, VolumeUuid>> pairs_in(Span bytes) {
  std::vector<std::pair<VolumeUuid, VolumeUuid>> out;
  Reader reader(bytes);
  while (reader.left() >= 32) {
    VolumeUuid here = reader.id<VolumeUuid>();
    VolumeUuid there = reader.id<VolumeUuid>();
    out.emplace_back(here, there);
  }
  return out;
}

Buffer encoded(const std::vector<replica::Sibling>& siblings) {
  Buffer out;
  Writer writer(out);
  for (const replica::Sibling& sibling : siblings) {
    writer.id(sibling.relationship);
    writer.id(sibling.system);
    writer.origin(sibling.position);
    writer.text(sibling.name);
    writer.text(sibling.group);
  }
  return out;
}

std::vector<replica::Sibling> siblings_in(Span bytes) {
  std::vector<replica::Sibling> out;
  Reader reader(bytes);
  while (reader.left() > 0) {
    replica::Sibling sibling;
    sibling.relationship = reader.id<RelationshipId>();
    sibling.system = reader.id<SystemId>();
    sibling.position = reader.origin();
    sibling.name = reader.text();
    sibling.group = reader.text();
    if (reader.ok()) out.push_back(std::move(sibling));
  }
  return out;
}

template <class E>
E enum_at(db::Statement& row, int column) { return static_cast<E>(row.i64(column)); }

replica::Relationship relationship_in(db::Statement& row) {
  replica::Relationship r;
  r.id = row.get<RelationshipId>(0);
  r.end = row.i64(1) != 0 ? replica::End::target : replica::End::source;
  r.name = row.get<std::string>(2);
  r.sync_type = enum_at<replica::SyncType>(row, 3);
  r.settings.mode = enum_at<replica::Mode>(row, 4);
  r.settings.rpo_seconds = row.get<std::uint32_t>(5);
  r.settings.on_link_loss = enum_at<replica::LinkLoss>(row, 6);
  r.settings.on_rpo = enum_at<replica::RpoAction>(row, 7);
  r.settings.limit_per_second = row.get<Bytes>(8);
  r.settings.journal_budget = row.get<Bytes>(9);
  r.settings.adaptive_bound_ms = row.get<std::uint32_t>(10);
  r.peer = row.get<SystemId>(11);
  r.pool = row.get<PoolId>(12);
  r.group = row.get<GroupId>(13);
  r.peer_pool = row.get<std::string>(14);
  r.peer_group = row.get<std::string>(15);
  r.pairs = pairs_in(row.blob(16));
  r.intent = enum_at<replica::CopyState>(row, 17);
  r.created = row.get<WallTime>(18);
  r.when_activated = row.get<WallTime>(19);
  r.when_synchronized = row.get<WallTime>(20);
  r.when_suspended = row.get<WallTime>(21);
  r.when_failed_over = row.get<WallTime>(22);
  r.when_established = row.get<WallTime>(23);
  Result<replica::Schedule> schedule = replica::parse_schedule(row.text(24));
  if (schedule) r.settings.schedule = *schedule;   // nobody but this program writes it
  r.settings.compress = row.i64(25) != 0;
  r.settings.consistency = row.i64(26) != 0;
  r.siblings = siblings_in(row.blob(27));
  return r;
}

}  // namespace

rt::Task<Result<std::vector<replica::Peer>>> Registry::peers() {
  std::vector<replica::Peer> found;
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    TRY(db::Statement rows, connection.prepare("SELECT id, name, addresses, fingerprint FROM peers ORDER BY name"));
    while (true) {
      TRY(bool more, rows.step());
      if (!more) return rows.read_well();
      replica::Peer peer;
      peer.id = rows.get<SystemId>(0);
      peer.name = rows.get<std::string>(1);
      TRY(peer.addresses, addresses_in(rows.text(2)));
      Span print = rows.blob(3);
      if (print.size() != peer.fingerprint.bytes.size()) return fail(Code::corrupt, "peer " + peer.name + " has no fingerprint");
      std::ranges::copy(print, peer.fingerprint.bytes.begin());
      found.push_back(std::move(peer));
    }
  };
  Result<> done = co_await book_.run(std::move(job));
  if (!done) co_return fail(done.error());
  co_return found;
}

rt::Task<Result<>> Registry::save(replica::Peer peer) {
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    return connection.run("INSERT OR REPLACE INTO peers VALUES (?, ?, ?, ?)", peer.id, peer.name, text_of_all(peer.addresses), Span(peer.fingerprint.bytes));
  };
  co_return co_await book_.run(std::move(job));
}

rt::Task<Result<>> Registry::remove_peer(SystemId peer) {
  Book::Job job = [&](db::Connection& connection) -> Result<> { return connection.run("DELETE FROM peers WHERE id = ?", peer); };
  co_return co_await book_.run(std::move(job));
}

rt::Task<Result<std::vector<replica::Relationship>>> Registry::relationships() {
  std::vector<replica::Relationship> found;
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    TRY(db::Statement rows,
        connection.prepare("SELECT id, far_end, name, sync_type, mode, rpo_seconds, on_link_loss, on_rpo, limit_per_second, journal_budget, adaptive_bound_ms, "
                           "peer, pool, volume_group, peer_pool, peer_group, pairs, intent, created, when_activated, when_synchronized, when_suspended, "
                           "when_failed_over, when_established, schedule, compress, consistency, siblings FROM relationships ORDER BY name, far_end"));
    while (true) {
      TRY(bool more, rows.step());
      if (!more) return rows.read_well();
      found.push_back(relationship_in(rows));
    }
  };
  Result<> done = co_await book_.run(std::move(job));
  if (!done) co_return fail(done.error());
  co_return found;
}

rt::Task<Result<>> Registry::save(replica::Relationship r) {
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    int far_end = r.end == replica::End::target ? 1 : 0;
    if (r.peer != self_) TRY_VOID(connection.run("DELETE FROM relationships WHERE id = ? AND far_end <> ?", r.id, far_end));
    const replica::Settings& s = r.settings;
    return connection.run("INSERT OR REPLACE INTO relationships VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", r.id, far_end, r.name,
                          static_cast<int>(r.sync_type), static_cast<int>(s.mode), s.rpo_seconds, static_cast<int>(s.on_link_loss), static_cast<int>(s.on_rpo),
                          s.limit_per_second, s.journal_budget, s.adaptive_bound_ms, r.peer, r.pool, r.group, r.peer_pool, r.peer_group, encoded(r.pairs),
                          static_cast<int>(r.intent), r.created, r.when_activated, r.when_synchronized, r.when_suspended, r.when_failed_over, r.when_established, replica::text_of(s.schedule), s.compress ? 1 : 0,
                          s.consistency ? 1 : 0, encoded(r.siblings));
  };
  co_return co_await book_.run(std::move(job));
}

rt::Task<Result<>> Registry::remove_relationship(RelationshipId id) {
  Book::Job job = [&](db::Connection& connection) -> Result<> { return connection.run("DELETE FROM relationships WHERE id = ?", id); };
  co_return co_await book_.run(std::move(job));
}

}  // namespace lockstep::manage
