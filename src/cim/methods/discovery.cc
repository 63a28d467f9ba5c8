// MSFT_SMStorageDiscovery: looks at this system (which is always known) or at a paired one: what it is called and which pools it has.
#include <algorithm>

#include "cim/methods/invocation.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

enum DiscoveryCode : std::uint32_t { failed = 1, in_progress = 2 };

bool is_own(const Facts& facts, const std::string& host) {
  return host.empty() || host == "localhost" || host == "127.0.0.1" || host == "::1" || host == facts.name || host == text_of(facts.self);
}

std::optional<replica::Peer> peer_called(const Facts& facts, const std::string& host) {
  for (const replica::PeerReport& report : facts.peers) {
    const replica::Peer& peer = report.peer;
    bool at_address = std::ranges::any_of(peer.addresses, [&](const os::Address& address) { return address.host == host || os::text_of(address) == host; });
    if (peer.name == host || text_of(peer.id) == host || at_address) return peer;
  }
  return std::nullopt;
}

// Of "smis-cimxml" and the like; peers are spoken to in their own way.
bool known_host_type(std::string type) {
  std::ranges::transform(type, type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type.empty() || type == "smis-cimxml" || type == "host-resource";
}

rt::Task<Done> look_at(Invocation& call, replica::Peer peer) {
  if (!call.discoveries.begin(peer.id)) co_return refused(in_progress, "host", "system '" + peer.name + "' is being looked at already", "Wait for that, then call again.");
  Discovery discovery;
  discovery.system = peer.id;
  discovery.name = peer.name;
  Result<std::vector<replica::Engine::RemotePool>> pools = co_await call.system.engine().pools_of(peer.id);
  discovery.when = call.system.now();
  if (pools) discovery.pools = *std::move(pools);
  else discovery.failed = pools.error().message;
  call.discoveries.keep(discovery);
  if (pools) co_return Done{};
  co_return refused(failed, "host", "system '" + peer.name + "' could not be looked at: " + pools.error().message, "Check that it runs and that the network lets it be reached.");
}

rt::Task<Done> discover(Invocation& call) {
  std::string host = call.in.text("host").value_or("");
  std::string type = call.in.text("hostType").value_or("");
  if (!known_host_type(type)) co_return refused(failed, "hostType", "hostType '" + type + "' is not spoken here", "Give smis-cimxml, or leave it out.");
  if (is_own(call.facts(), host)) co_return Done{};
  std::optional<replica::Peer> peer = peer_called(call.facts(), host);
  if (!peer) co_return refused(failed, "host", "there is no system '" + host + "' that this one is paired with", "Pair the two first: lockstep peer invite, lockstep peer join.");
  co_return co_await look_at(call, *std::move(peer));
}

rt::Task<Done> start(Invocation& call) {
  bool again = call.in.flag("forceRediscovery").value_or(false);
  std::optional<replica::Peer> peer = peer_called(call.facts(), call.in.text("host").value_or(""));
  bool known = peer && call.discoveries.knows(peer->id) && !call.discoveries.is_stale(peer->id);
  if (known && !again) co_return Done{};
  co_return co_await discover(call);
}

constexpr std::string_view cls = "MSFT_SMStorageDiscovery";
constexpr MethodEntry entries[] = {
    {cls, "StartDiscovery", start},
    {cls, "PartialDiscovery", discover},
};

}  // namespace

std::span<const MethodEntry> discovery_methods() { return entries; }

}  // namespace lockstep::cim::model
