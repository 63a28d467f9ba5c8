// Story: what every scenario has: a world of a seed, what its hosts wrote, faults, and the words to tell of it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "sim/cluster.h"
#include "sim/sim.h"

namespace lockstep::sim {

inline constexpr Duration contact_decided = std::chrono::seconds(4);   // by then a lost peer is known to be lost, and figures are fresh

class Story {
 public:
  virtual ~Story() = default;
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  // From the first start to the last stop. Throws Failure.
  virtual void play() = 0;
  void tell(const std::string& what);   // at once, where somebody listens

  [[nodiscard]] const os::sim::World& world() const { return world_; }
  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 protected:
  // `salt`: no two scenarios make the same world of one seed.
  Story(std::uint64_t seed, bool verbose, std::uint64_t salt);

  [[nodiscard]] Sizes sizes();
  [[nodiscard]] os::sim::Tear tear();
  void run_for(std::uint64_t least_ms, std::uint64_t most_ms);
  void judge(const std::optional<std::string>& wrong, const Node& node);
  // After a crash: all that was answered (where power was lost, that was flushed), and then a prefix of the rest.
  void judge_what_is_left(const Found& found, bool lost_power, const Node& node);
  // Hosts that write more than the link carries are never caught up with: where that is waited for while they write, they write less.
  [[nodiscard]] Load bearable(Load load) const;

  void make_pool(Node& node);                                  // starts the node, with an empty pool p
  void pair_up(Node& host, Node& guest);
  void make_group(Node& node, const std::string& group, std::size_t volumes, std::uint64_t blocks);   // of p/v0, p/v1 ...
  // What the caller has not set is: pool p, group g, a mirror.
  void create(Node& from, Node& to, const std::string& name, manage::CreateReplica request);
  // All of that: group g of as many volumes, mirrored in a mode of the seed's choice, and level.
  void set_up_mirror(Node& from, Node& to, const std::string& name, std::size_t volumes);
  void crash(Node& node, bool power);
  void restart(Node& node);
  void partition(Node& x, Node& y);
  void heal(Node& x, Node& y);
  // Synchronized, and idle: nothing is lacking.
  void wait_level(Node& source, const std::string& relationship);
  void same(const std::string& x, const Found& here, const std::string& y, const Found& there);

  bool verbose_;
  os::sim::World world_;
  os::sim::Rng rng_;
  Load load_;
  History history_;
  std::uint64_t faults_ = 0;
};

[[nodiscard]] Outcome outcome_of(Story& story);

}  // namespace lockstep::sim
