// A plain model of a pool: every volume an array of sector tags, every change a step with its LSN. After a death, what is left must be
// the state after some prefix of the steps.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pool/pool_testing.h"

namespace lockstep::pool::testing {

struct State {
  using Sectors = std::vector<std::uint64_t>;
  std::map<std::string, Sectors> volumes;                        // by name
  std::map<std::string, std::map<std::string, Sectors>> snapshots;   // by name, then by volume
  bool operator==(const State&) const = default;
};

// Where two states differ, in words.
inline std::string difference(const State& expected, const State& found) {
  auto compare = [](const std::string& who, const State::Sectors& a, const State::Sectors& b) -> std::string {
    if (a.size() != b.size()) return who + " has another size";
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a[i] != b[i]) return who + ", sector " + std::to_string(i) + ": expected " + std::to_string(a[i]) + ", found " + std::to_string(b[i]);
    return "";
  };
  auto maps = [&](const std::string& in, const std::map<std::string, State::Sectors>& a, const std::map<std::string, State::Sectors>& b) -> std::string {
    for (const auto& [name, sectors] : a) {
      if (!b.contains(name)) return in + name + " is missing";
      if (auto text = compare(in + name, sectors, b.at(name)); !text.empty()) return text;
    }
    for (const auto& [name, sectors] : b)
      if (!a.contains(name)) return in + name + " should not be there";
    return "";
  };
  if (auto text = maps("volume ", expected.volumes, found.volumes); !text.empty()) return text;
  for (const auto& [name, volumes] : expected.snapshots) {
    if (!found.snapshots.contains(name)) return "snapshot " + name + " is missing";
    if (auto text = maps("snapshot " + name + ", volume ", volumes, found.snapshots.at(name)); !text.empty()) return text;
  }
  for (const auto& [name, volumes] : found.snapshots)
    if (!expected.snapshots.contains(name)) return "snapshot " + name + " should not be there";
  return "";
}

class Model {
 public:
  using Effect = std::function<void(State&)>;

  // A change about to be made: it may turn out to be there after a death, though nobody was told its LSN.
  void begin(Effect effect) { add(std::nullopt, std::move(effect)); }
  // All that were begun are in the journal now.
  void end(Lsn lsn) {
    for (Step& step : steps_)
      if (!step.lsn) step.lsn = lsn;
  }
  // One that is in the journal as of now.
  void step(Lsn lsn, Effect effect) { add(lsn, std::move(effect)); }

  // Everything up to `lsn` must be found from now on.
  void promise(Lsn lsn) {
    while (!steps_.empty() && steps_.front().lsn && *steps_.front().lsn <= lsn) {
      steps_.front().effect(base_);
      steps_.pop_front();
    }
  }
  void promise_all() { promise(Lsn{UINT64_MAX}); }
  [[nodiscard]] const State& now() const { return now_; }

  // Empty when `found` is the state after at least all that was promised; what comes after it is forgotten. Else what is wrong.
  std::string settle(const State& found) {
    State state = base_;
    std::string first = difference(state, found);
    for (std::size_t n = 0;; ++n) {
      if (state == found) {
        base_ = now_ = std::move(state);
        steps_.clear();
        return "";
      }
      if (n == steps_.size()) break;
      steps_[n].effect(state);
    }
    return "no prefix of the " + std::to_string(steps_.size()) + " steps after the promised ones fits; after none of them, " + first + "; after all, " +
           difference(state, found);
  }

 private:
  struct Step {
    std::optional<Lsn> lsn;
    Effect effect;
  };
  void add(std::optional<Lsn> lsn, Effect effect) {
    effect(now_);
    steps_.push_back({lsn, std::move(effect)});
  }
  State base_;               // after all that was promised
  State now_;                // after everything
  std::deque<Step> steps_;   // from one to the other
};

}  // namespace lockstep::pool::testing
