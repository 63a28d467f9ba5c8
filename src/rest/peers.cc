// Other systems, and how they come to know each other.
#include "rest/call.h"

namespace lockstep::rest {

namespace {

constexpr std::uint64_t valid_default = 3600;
constexpr std::uint64_t valid_most = 7 * 24 * 3600;

json::object peer_body(const replica::PeerReport& report) {
  const replica::Peer& peer = report.peer;
  json::object body;
  body["@odata.id"] = peer_path(peer.name);
  body["@odata.type"] = "#LockstepPeer.v1_0_0.LockstepPeer";
  body["Id"] = peer.name;
  body["Name"] = peer.name;
  body["SystemId"] = text_of(peer.id);
  json::array addresses;
  for (const os::Address& address : peer.addresses) addresses.emplace_back(os::text_of(address));
  body["Addresses"] = std::move(addresses);
  body["Fingerprint"] = hex_of(peer.fingerprint.bytes);
  body["Reachable"] = report.reachable;
  body["LastContact"] = report.last_contact ? time_or_null(*report.last_contact) : json::value(nullptr);
  body["Cause"] = text_or_null(report.cause);
  body["Status"] = {{"State", report.reachable ? "Enabled" : "UnavailableOffline"}, {"Health", report.reachable ? "OK" : "Warning"}};
  return body;
}

std::optional<replica::PeerReport> find(Call& call, const std::string& name) {
  for (replica::PeerReport& report : call.system.engine().peers())
    if (report.peer.name == name || text_of(report.peer.id) == name) return std::move(report);
  return std::nullopt;
}

rt::Task<Reply> get_peers(Call& call) {
  std::vector<json::object> members;
  for (const replica::PeerReport& report : call.system.engine().peers()) members.push_back(peer_body(report));
  co_return collection(call, "LockstepPeerCollection", "Peers", std::string(oem_path) + "/Peers", std::move(members));
}

rt::Task<Reply> get_peer(Call& call) {
  std::optional<replica::PeerReport> report = find(call, call.ids[0]);
  if (!report) co_return no_such_object(call);
  json::object body = peer_body(*report);
  Result<std::vector<replica::Engine::RemotePool>> pools = co_await call.system.engine().pools_of(report->peer.id);
  if (pools) {
    json::array list;
    for (const auto& pool : *pools) {
      json::object entry;
      entry["Name"] = pool.name;
      entry["PoolId"] = text_of(pool.id);
      entry["FreeBytes"] = bytes(pool.free);
      list.push_back(std::move(entry));
    }
    body["Pools"] = std::move(list);
  } else {
    body["Cause"] = pools.error().message;
  }
  co_return ok(std::move(body));
}

rt::Task<Reply> delete_peer(Call& call) {
  manage::Answer<> done = co_await call.system.remove_peer(call.caller, call.ids[0]);
  if (!done) co_return refused(done.error(), Named::by_url);
  co_return no_content();
}

rt::Task<Reply> invite(Call& call) {
  Body body(call.body);
  std::uint64_t valid = body.number("ValidSeconds").value_or(valid_default);
  if (valid == 0 || valid > valid_most) body.refuse_value("ValidSeconds", "ValidSeconds " + std::to_string(valid) + " is not between 1 and " + std::to_string(valid_most));
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<std::string> token = co_await call.system.invite(call.caller, std::chrono::seconds(valid));
  if (!token) co_return refused(token.error());
  json::object out;
  out["Token"] = *token;
  out["ValidSeconds"] = valid;
  co_return ok(std::move(out));
}

rt::Task<Reply> join(Call& call) {
  Body body(call.body);
  std::string token = body.required_text("Token");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<replica::Peer> peer = co_await call.system.join(call.caller, token);
  if (!peer) co_return refused(peer.error());
  std::optional<replica::PeerReport> report = find(call, text_of(peer->id));
  replica::PeerReport known;
  known.peer = *peer;
  co_return created(peer_path(peer->name), peer_body(report ? *report : known));
}

constexpr Route routes[] = {
    {.pattern = "Oem/Lockstep/Peers", .get = get_peers},
    {.pattern = "Oem/Lockstep/Peers/*", .get = get_peer, .remove = delete_peer},
    {.pattern = "Oem/Lockstep/Actions/LockstepService.Invite", .post = invite},
    {.pattern = "Oem/Lockstep/Actions/LockstepService.Join", .post = join},
};

}  // namespace

std::span<const Route> peer_routes() { return routes; }

}  // namespace lockstep::rest
