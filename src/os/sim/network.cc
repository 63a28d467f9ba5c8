#include "os/sim/network.h"

#include <algorithm>

#include "os/sim/connection.h"
#include "os/sim/listener.h"

namespace lockstep::os::sim {
namespace {

constexpr Range local_latency{std::chrono::microseconds(2), std::chrono::microseconds(15)};

}  // namespace

Network::Network(World& world) : world_(world), rng_(Rng(world.seed()).named("network")) {}
Network::~Network() = default;

const NetOptions& Network::options() const { return world_.options().net; }

bool Network::passes(const Host& from, const Host& to) const {
  return !powerless_.contains(&to) && !cut_.contains({from.number(), to.number()});
}

Duration Network::latency(const Host& from, const Host& to) {
  Way way{from.number(), to.number()};
  if (way.first == way.second) return rng_.in(local_latency);
  auto base = base_.find(way);
  if (base == base_.end()) {
    Duration drawn = Rng(world_.seed()).named("between " + from.name() + " and " + to.name()).in(options().latency);
    base = base_.emplace(way, drawn).first;
  }
  auto extra = extra_.find(way);
  return base->second + rng_.in(options().jitter) + (extra == extra_.end() ? Duration{0} : extra->second);
}

Host* Network::find_host(Host& asking, const std::string& name) {
  if (name == "localhost" || name == "127.0.0.1" || name == "::1" || name == asking.name()) return &asking;
  return world_.try_host(name);
}

std::uint16_t Network::free_port(const Host& host) {
  std::uint16_t& next = next_port_[host.number()];
  do {
    if (next < 32768 || next > 60998) next = static_cast<std::uint16_t>(32768 + rng_.below(20000));
    ++next;
  } while (ports.contains({host.number(), next}));
  return next;
}

// --- faults

void Network::cut(Host& from, Host& to) { cut_.insert({from.number(), to.number()}); }

void Network::partition(Host& a, Host& b) {
  cut(a, b);
  cut(b, a);
}

void Network::isolate(Host& host) {
  for (Host* other : world_.hosts())
    if (other != &host) partition(host, *other);
}

void Network::heal(Host& a, Host& b) {
  cut_.erase({a.number(), b.number()});
  cut_.erase({b.number(), a.number()});
  resume();
}

void Network::heal_all() {
  cut_.clear();
  extra_.clear();
  resume();
}

void Network::flip_bit(Host& from, Host& to, std::uint64_t after) { flips_[{from.number(), to.number()}] = after; }

void Network::pass_by(const Host& from, const Host& to, MutSpan bytes) {
  auto flip = flips_.find({from.number(), to.number()});
  if (flip == flips_.end()) return;
  if (flip->second >= bytes.size()) {
    flip->second -= bytes.size();
    return;
  }
  bytes[flip->second] ^= static_cast<std::byte>(1u << flip->second % 8);
  flips_.erase(flip);
}

void Network::delay(Host& from, Host& to, Duration more) { extra_[{from.number(), to.number()}] = more; }

std::vector<std::shared_ptr<Connection>> Network::between(const Host& a, const Host& b) {
  std::vector<std::shared_ptr<Connection>> found;
  for (auto& weak : connections_)
    if (auto connection = weak.lock()) {
      const Host &x = connection->life(0).host(), &y = connection->life(1).host();
      if ((&x == &a && &y == &b) || (&x == &b && &y == &a)) found.push_back(std::move(connection));
    }
  return found;
}

void Network::reset_connections(Host& a, Host& b) {
  for (auto& connection : between(a, b)) connection->break_both("the connection was reset");
}

void Network::go_silent(Host& a, Host& b) {
  for (auto& connection : between(a, b)) connection->go_silent();
}

void Network::resume() {
  forget_ended();
  for (auto& weak : connections_)
    if (auto connection = weak.lock()) connection->resume();
}

// --- hosts that come and go

void Network::host_died(Life& life, bool silently) {
  if (silently) host_lost_power(life.host());
  std::erase_if(ports, [&](const auto& item) { return &item.second->life() == &life ? (item.second->close(), true) : false; });
  std::erase_if(paths, [&](const auto& item) { return &item.second->life() == &life ? (item.second->close(), true) : false; });
  for (auto& weak : connections_)
    if (auto connection = weak.lock()) connection->life_died(life, silently);
  for (auto& weak : attempts_)
    if (auto attempt = weak.lock(); attempt && &attempt->life == &life)
      attempt->end(fail(Code::cancelled, attempt->to + ": the host is dead"));
}

void Network::host_is_up(Host& host) {
  powerless_.erase(&host);
  resume();
}

void Network::forget_ended() {
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  std::erase_if(attempts_, [](const auto& weak) { return weak.expired(); });
}

std::shared_ptr<Connection> Network::connect(Life& from, rt::Loop& from_loop, std::string from_name, ListenerState& to) {
  forget_ended();
  EndPlace here{from, from_loop, std::move(from_name)}, there{to.life(), to.loop(), text_of(to.address())};
  auto connection = std::make_shared<Connection>(*this, std::move(here), std::move(there), to.address().is_unix());
  connections_.push_back(connection);
  return connection;
}

}  // namespace lockstep::os::sim
