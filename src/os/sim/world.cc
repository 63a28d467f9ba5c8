#include "os/sim/world.h"

#include <cstdio>

#include "os/sim/host.h"
#include "os/sim/life.h"
#include "os/sim/network.h"

namespace lockstep::os::sim {

World::World(std::uint64_t seed, WorldOptions options)
    : seed_(seed),
      options_(options),
      rng_(Rng(seed).named("world")),
      order_(Rng(seed).named("order")),
      hash_(seed),
      network_(std::make_unique<Network>(*this)) {}

World::~World() { queue_.clear(); }

Host& World::add_host(std::string name) {
  CHECK(!name.empty());
  for (auto& other : hosts_) CHECK(other->name() != name);
  hosts_.push_back(std::make_unique<Host>(*this, std::move(name), hosts_.size() + 1));
  return *hosts_.back();
}

Host* World::try_host(std::string_view name) {
  for (auto& host : hosts_)
    if (host->name() == name) return host.get();
  return nullptr;
}

Host& World::host(std::string_view name) {
  Host* found = try_host(name);
  CHECK(found != nullptr);
  return *found;
}

std::vector<Host*> World::hosts() {
  std::vector<Host*> all;
  for (auto& host : hosts_) all.push_back(host.get());
  return all;
}

World::Key World::schedule(Instant when, Life* life, Event kind, rt::Callback callback) {
  ++sequence_;
  Key key{std::max(when, life != nullptr ? life->now() : now_), options_.shuffle ? order_.next() : sequence_, sequence_};
  queue_.emplace(key, Entry{life, kind, std::move(callback)});
  return key;
}

void World::fold(Event kind, std::uint64_t who, std::uint64_t what) {
  std::byte bytes[33];
  store_le(bytes, hash_);
  store_le(bytes + 8, static_cast<std::uint64_t>(now_.since_start.count()));
  store_le(bytes + 16, who);
  store_le(bytes + 24, what);
  bytes[32] = static_cast<std::byte>(kind);
  hash_ = checksum_of(bytes).value;
}

bool World::on_loop() const { return rt::Loop::current() != nullptr; }

void World::happen(std::map<Key, Entry>::iterator it) {
  Entry entry = std::move(it->second);
  Instant when = std::get<Instant>(it->first);
  queue_.erase(it);
  ++events_;
  fold(entry.kind, entry.life != nullptr ? entry.life->host().number() : 0, static_cast<std::uint64_t>(when.since_start.count()));
  entry.callback();
}

bool World::run_until(const Predicate& done, Duration at_most) {
  Instant end = now_ + at_most;
  while (!done()) {
    if (queue_.empty()) return false;
    auto it = queue_.begin();
    Instant when = std::get<Instant>(it->first);
    if (when > end) return false;
    now_ = std::max(now_, when);
    happen(it);
  }
  return true;
}

void World::run_until(Instant when) {
  ignore(run_until([] { return false; }, when - now_), "ends by time");
  now_ = std::max(now_, when);
}

bool World::run_until_idle(Duration at_most) {
  run_until([&] { return queue_.empty(); }, at_most);
  return queue_.empty();
}

// Says which world it was, before the process ends.
void World::expect_end(bool ended) const {
  if (ended) return;
  std::fprintf(stderr, "world of seed %llu at %lld ns: the task has not ended, %s\n", static_cast<unsigned long long>(seed_),
               static_cast<long long>(now_.since_start.count()), queue_.empty() ? "and nothing is left to happen" : "its time is over");
  CHECK(ended);
}

void World::run_only(Life& life, const Predicate& done) {
  constexpr std::uint64_t events_max = 20'000'000;   // the dead never end by themselves: they were not told to stop
  for (std::uint64_t last = events_ + events_max; !done();) {
    CHECK(events_ < last);
    auto it = queue_.begin();
    while (it != queue_.end() && it->second.life != &life) ++it;
    CHECK(it != queue_.end());   // the dead wait for something that cannot come
    life.set_ahead(std::get<Instant>(it->first));
    happen(it);
  }
}

void World::forget(Life& life) {
  std::erase_if(queue_, [&](const auto& item) { return item.second.life == &life; });
}

}  // namespace lockstep::os::sim
