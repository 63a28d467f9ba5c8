#include "os/sim/host.h"

#include "os/sim/life.h"
#include "os/sim/network.h"

namespace lockstep::os::sim {

Host::Host(World& world, std::string name, std::uint64_t number)
    : world_(world), name_(std::move(name)), number_(number) {
  Rng rng = Rng(world.seed()).named(name_);
  wall_offset_ = rng.in(world.options().wall_offset);
  disk_ = std::make_unique<Disk>(world.options().disk, rng.named("disk"));
  disk_->on_death([this] { die(true); });
  lives_.push_back(std::make_unique<Life>(*this, 1));
}

Host::~Host() = default;

const rt::Clock& Host::clock() { return life().clock(); }
Random& Host::random() { return life().random(); }
Files& Host::files() { return life().files(); }
Net& Host::net() { return life().net(); }
Tls& Host::tls() { return life().tls(); }
rt::Loop& Host::start_loop(std::string name) { return life().start_loop(std::move(name)); }
void Host::end_loop(rt::Loop& loop) { life().end_loop(loop); }
rt::Loop& Host::loop() { return life().main_loop(); }
bool Host::alive() const { return !lives_.back()->dead(); }

void Host::die(bool silently) {
  if (!alive()) return;
  life().set_dead();
  world_.fold(Event::life, number_, silently ? 1 : 2);
  disk_->release_locks();
  world_.network().host_died(life(), silently);
}

void Host::kill() { die(false); }

void Host::power_cut(Tear tear) {
  die(true);
  world_.network().host_lost_power(*this);
  disk_->power_cut(tear);
  world_.fold(Event::life, number_, disk_->fingerprint());
}

void Host::finish(const World::Predicate& done) {
  CHECK(!alive());
  world_.run_only(life(), done);
}

void Host::finish(rt::Task<void> stop) {
  auto end = world_.start(loop(), std::move(stop));
  finish([&] { return end->has_value(); });
}

void Host::restart() {
  kill();
  life().drop();
  world_.forget(life());
  lives_.push_back(std::make_unique<Life>(*this, lives_.size() + 1));
  disk_->start_over();
  world_.network().host_is_up(*this);
  world_.fold(Event::life, number_, 3);
}

}  // namespace lockstep::os::sim
