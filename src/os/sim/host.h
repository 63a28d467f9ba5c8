// Host: a machine of the world. It has one life at a time; its disk and its place in the network outlive them all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "os/host.h"
#include "os/sim/disk.h"
#include "os/sim/world.h"

namespace lockstep::os::sim {

// From a start to the next death. What a program is handed belongs to one life.
class Life;

class Host final : public os::Host {
 public:
  Host(World& world, std::string name, std::uint64_t number);
  ~Host() override;

  [[nodiscard]] const rt::Clock& clock() override;
  [[nodiscard]] Random& random() override;
  [[nodiscard]] Files& files() override;
  [[nodiscard]] Net& net() override;
  [[nodiscard]] Tls& tls() override;
  rt::Loop& start_loop(std::string name) override;
  void end_loop(rt::Loop& loop) override;

  // The loop "main" of this life.
  [[nodiscard]] rt::Loop& loop();
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Disk& disk() { return *disk_; }
  [[nodiscard]] bool alive() const;

  // The process dies: nothing on the disk is lost; peers learn of it (end of stream or reset, as the seed says).
  void kill();
  // The machine loses power, now or when it died already: unsynced data fare as `tear` says; peers hear nothing.
  void power_cut(Tear tear);
  // Runs what is left of a dead host, alone and in no time for the others, until `stop` has ended.
  void finish(rt::Task<void> stop);
  void finish(const World::Predicate& done);
  // A new life on what survived. One that still lives is killed first. What the old life still had to do is dropped: its
  // program must have ended.
  void restart();

  // The wall clock jumps; the monotonic one does not.
  void jump_wall(Duration by) { wall_offset_ += by; }
  [[nodiscard]] Duration wall_offset() const { return wall_offset_; }

  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] Life& life() { return *lives_.back(); }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  void die(bool silently);

 private:
  World& world_;
  std::string name_;
  std::uint64_t number_;
  Duration wall_offset_{0};
  std::unique_ptr<Disk> disk_;
  std::vector<std::unique_ptr<Life>> lives_;   // the dead stay: somebody may still hold what they gave out
};

}  // namespace lockstep::os::sim
