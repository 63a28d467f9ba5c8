// Cluster: systems on simulated hosts. A failure of what the scenario asks for is a Failure, with words for people.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "manage/manage.h"
#include "os/sim/sim.h"
#include "sim/history.h"
#include "sim/initiator.h"

namespace lockstep::sim {

// Ends a seed: a promise was broken, or what must work did not.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A promise was broken: something that was answered or flushed is gone, or what is there is no prefix.
struct Broken : Failure {
  using Failure::Failure;
};

struct Sizes {
  Bytes segment = 256_KiB;
  Bytes overlay = 1280_KiB;
  Bytes journal_budget = 2_MiB;
};

class Node {
 public:
  Node(os::sim::World& world, std::string name, Sizes sizes);
  ~Node();

  void start();                                     // on what the disk holds
  void crash(bool power, os::sim::Tear tear);       // the initiator's answers stop; the program ends
  void restart() { host_.restart(); start(); }
  void stop();                                      // in good order

  // An initiator works on the volumes POOL/v0, POOL/v1 ..., or on those of a group. There may be several; they end together.
  void begin_load(History& history, os::sim::Rng rng, Load load, std::size_t volumes);
  void begin_load_on(const std::string& group, History& history, os::sim::Rng rng, Load load);
  void end_load();
  void retire_if_closed();
  [[nodiscard]] Duration longest_wait();
  [[nodiscard]] std::uint64_t refused() const;   // writes
  // As a host: once hosts are let in, one volume after the other.
  [[nodiscard]] Found look(std::size_t volumes, std::uint64_t blocks);
  [[nodiscard]] Result<Found> try_look(std::size_t volumes, std::uint64_t blocks);
  [[nodiscard]] Found look_group(const std::string& group, std::uint64_t blocks);
  // As nobody can: the group at one instant, from now on.
  [[nodiscard]] Found look_at_once(const std::string& group, std::size_t volumes, std::uint64_t blocks);
  [[nodiscard]] Found look_at_snapshot(SnapshotId snapshot, std::size_t volumes, std::uint64_t blocks);

  template <class T>
  T run(rt::Task<T> task, Duration at_most = std::chrono::minutes(10)) {
    auto end = world_.start(host_.loop(), std::move(task));
    if (!world_.run_until([&] { return end->has_value() || spun(); }, at_most)) throw Failure(name() + ": a call did not return within " + std::to_string(at_most.count() / 1'000'000'000) + " s");
    if (!end->has_value()) throw Failure(name() + ": a call has not returned, and this seed has taken " + std::to_string(events_max) + " events: something goes round without an end");
    if constexpr (!std::is_void_v<T>) return std::move(**end);
  }
  template <class T>
  T must(const std::string& what, rt::Task<manage::Answer<T>> task) {
    manage::Answer<T> answer = run(std::move(task));
    if (!answer) throw Failure(name() + ": " + what + ": " + answer.error().message + " (" + std::to_string(static_cast<std::uint32_t>(answer.error().code)) + ") " + answer.error().next_step);
    if constexpr (!std::is_void_v<T>) return std::move(*answer);
  }
  // Runs an operation to its end: the job too.
  void operate(const std::string& relationship, replica::Operation operation);
  [[nodiscard]] std::optional<std::string> try_operate(const std::string& relationship, replica::Operation operation);
  void finish(manage::Outcome outcome, const std::string& what);

  // Work that goes on while other things happen. Ends with why it failed, or nothing; at the latest with the node.
  using Going = std::shared_ptr<std::optional<std::optional<std::string>>>;
  [[nodiscard]] Going begin_operation(const std::string& relationship, replica::Operation operation);
  [[nodiscard]] Going begin(rt::Task<manage::Answer<manage::Outcome>> call);
  std::optional<std::string> await(const Going& going, const std::string& what);
  void cancel_jobs();   // that run

  // Of a group, in its order; the group must be there.
  [[nodiscard]] std::vector<std::string> volumes_of(const std::string& group);
  [[nodiscard]] bool has_group(const std::string& group);
  // That users see, of every group.
  [[nodiscard]] std::vector<manage::SnapshotInfo> kept_snapshots();

  [[nodiscard]] manage::System& system() { return *system_; }
  [[nodiscard]] os::sim::Host& host() { return host_; }
  [[nodiscard]] const std::string& name() const { return host_.name(); }
  [[nodiscard]] bool up() const { return system_ != nullptr; }
  [[nodiscard]] std::optional<replica::Report> report(const std::string& relationship);
  // Virtual time goes on until the relationship is in `state`.
  void wait_state(const std::string& relationship, replica::CopyState state, Duration at_most = std::chrono::minutes(2));

 private:
  static constexpr std::uint64_t events_max = 20'000'000;   // of a seed; real work takes a tenth
  [[nodiscard]] bool spun() const { return world_.events() > events_max; }
  [[nodiscard]] pool::Pool& pool();
  rt::Task<Result<std::vector<pool::VolumeRef>>> open_volumes(std::vector<std::string> names);
  rt::Task<void> start_initiator(History& history, os::sim::Rng rng, Load load, std::vector<std::string> names, std::string& wrong);
  rt::Task<void> stop_initiators();
  rt::Task<std::optional<std::string>> whole(rt::Task<manage::Answer<manage::Outcome>> call);
  void begin_load_named(History& history, os::sim::Rng rng, Load load, std::vector<std::string> names);
  Found look_named(std::vector<std::string> names, std::uint64_t blocks);
  Result<Found> try_look_named(std::vector<std::string> names, std::uint64_t blocks);

  os::sim::World& world_;
  os::sim::Host& host_;
  Sizes sizes_;
  std::unique_ptr<manage::System> system_;
  std::vector<std::unique_ptr<Initiator>> initiators_;
  std::vector<Going> going_;
};

inline const manage::Caller root{.user = "root", .role = manage::RoleName::administrator};

}  // namespace lockstep::sim
