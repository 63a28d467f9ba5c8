// Network: what lies between hosts, and how it fails. Hosts know each other by name; each is "localhost" to itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/sim/options.h"
#include "os/sim/rng.h"
#include "rt/rt.h"

namespace lockstep::os::sim {

class Connection;
class Host;
class Life;
class ListenerState;
class World;
struct Attempt;

class Network {
 public:
  explicit Network(World& world);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Faults. What was sent waits and arrives after heal(), unless it waited longer than NetOptions::give_up.
  void partition(Host& a, Host& b);                 // both ways
  void cut(Host& from, Host& to);                   // one way
  void isolate(Host& host);                         // from every other host there is now
  void heal(Host& a, Host& b);
  void heal_all();                                  // and ends every delay()
  void reset_connections(Host& a, Host& b);         // both ends hear of it at once
  void go_silent(Host& a, Host& b);                 // connections of now: nothing arrives any more and nobody is told; new ones work
  void delay(Host& from, Host& to, Duration more);  // added to the latency until set to 0
  // After so many bytes more, one bit on the way is another one: once.
  void flip_bit(Host& from, Host& to, std::uint64_t after);

  // For the parts of the simulation, from here down.
  [[nodiscard]] World& world() const { return world_; }
  [[nodiscard]] const NetOptions& options() const;
  [[nodiscard]] Rng& rng() { return rng_; }
  [[nodiscard]] bool passes(const Host& from, const Host& to) const;
  [[nodiscard]] Duration latency(const Host& from, const Host& to);   // of one piece, jitter included
  void pass_by(const Host& from, const Host& to, MutSpan bytes);      // as they leave
  [[nodiscard]] Host* find_host(Host& asking, const std::string& name);

  void host_died(Life& life, bool silently);
  void host_lost_power(Host& host) { powerless_.insert(&host); }
  void host_is_up(Host& host);

  std::shared_ptr<Connection> connect(Life& from, rt::Loop& from_loop, std::string from_name, ListenerState& to);
  void remember(const std::shared_ptr<Attempt>& attempt) { attempts_.push_back(attempt); }
  std::uint64_t next_connection() { return ++connections_made_; }
  [[nodiscard]] std::uint16_t free_port(const Host& host);
  std::map<std::pair<std::uint64_t, std::uint16_t>, std::shared_ptr<ListenerState>> ports;   // by host number
  std::map<std::pair<std::uint64_t, std::string>, std::shared_ptr<ListenerState>> paths;

 private:
  using Way = std::pair<std::uint64_t, std::uint64_t>;   // host numbers
  std::vector<std::shared_ptr<Connection>> between(const Host& a, const Host& b);
  void resume();
  void forget_ended();

  World& world_;
  Rng rng_;
  std::set<Way> cut_;
  std::map<Way, std::uint64_t> flips_;                   // in so many bytes
  std::set<const Host*> powerless_;                      // looked up only, never walked
  std::map<Way, Duration> base_;
  std::map<Way, Duration> extra_;
  std::map<std::uint64_t, std::uint16_t> next_port_;
  std::vector<std::weak_ptr<Connection>> connections_;   // in the order they were made
  std::vector<std::weak_ptr<Attempt>> attempts_;
  std::uint64_t connections_made_ = 0;
};

}  // namespace lockstep::os::sim
