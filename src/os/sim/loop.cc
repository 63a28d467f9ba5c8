#include "os/sim/loop.h"

#include "os/sim/life.h"

namespace lockstep::os::sim {
namespace {

constexpr int turn_items_max = 1000;   // then the turn ends: tasks that only yield to each other let time pass too

}  // namespace

SimLoop::SimLoop(Life& life, std::string name)
    : life_(life), name_(std::move(name)), rng_(life.rng().named("loop " + name_)) {}

SimLoop::~SimLoop() = default;

const rt::Clock& SimLoop::clock() const { return life_.clock(); }

void SimLoop::check_mine() const {
  CHECK(current() == this || (current() == nullptr && !life_.world().on_loop() && !life_.in_job()));
}

void SimLoop::leave_turn(rt::Loop*& kept) {
  kept = current();
  set_current(nullptr);
}
void SimLoop::back_to_turn(rt::Loop* kept) { set_current(kept); }

void SimLoop::post(rt::Callback callback) {
  ready_.push_back(std::move(callback));
  arm();
}

void SimLoop::post(std::coroutine_handle<> handle) {
  post(rt::Callback([handle] { handle.resume(); }));
}

void SimLoop::at_turn_end(rt::Callback callback) {
  check_mine();
  turn_end_.push_back(std::move(callback));
  arm();
}

SimLoop::TimerId SimLoop::at(Instant when, rt::Callback callback) {
  check_mine();
  TimerId id = next_timer_++;
  Instant world_time = std::max(Instant{when - Instant{life_.clock_offset()}}, life_.now());
  World::Key event = life_.world().schedule(world_time, &life_, Event::timer, [this] { fire_timers(); });
  timers_.emplace(std::pair(world_time, id), Timer{event, std::move(callback)});
  timer_times_.emplace(id, world_time);
  return id;
}

// Those of one instant in the order they were asked for, whichever of their events came first.
void SimLoop::fire_timers() {
  while (!timers_.empty() && timers_.begin()->first.first <= life_.now()) {
    auto timer = timers_.extract(timers_.begin());
    life_.world().cancel(timer.mapped().event);
    TimerId id = timer.key().second;
    timer_times_.erase(id);
    due_.emplace(id, std::move(timer.mapped().callback));
    post(rt::Callback([this, id] { run_due(id); }));
  }
}

// Its time has come, but until it has run it can still be cancelled.
void SimLoop::run_due(TimerId id) {
  auto due = due_.extract(id);
  if (!due.empty()) due.mapped()();
}

void SimLoop::cancel(TimerId id) {
  check_mine();
  rt::Callback due;
  if (auto found = due_.extract(id); !found.empty()) due = std::move(found.mapped());   // dies last: what it owns may come back here
  auto it = timer_times_.find(id);
  if (it == timer_times_.end()) return;
  auto timer = timers_.extract(std::pair(it->second, id));
  timer_times_.erase(it);
  life_.world().cancel(timer.mapped().event);
}

void SimLoop::work(rt::Callback job, rt::Callback done) {
  check_mine();
  Duration total = rng_.in(life_.world().options().job);
  Duration before = rng_.in({Duration{0}, total});
  Instant start = life_.now();
  auto run = [this, end = start + total, job = std::move(job), done = std::move(done)]() mutable {
    life_.run_job(job);
    job = nullptr;
    Instant over = std::max(end, life_.now() + life_.take_spent());
    life_.world().schedule(over, &life_, Event::job, [this, done = std::move(done)]() mutable { post(std::move(done)); });
  };
  life_.world().schedule(start + before, &life_, Event::job, std::move(run));
}

void SimLoop::arm() {
  if (armed_ || running_) return;
  armed_ = true;
  life_.world().schedule(std::max(life_.now(), busy_until_), &life_, Event::turn, [this] { turn(); });
}

void SimLoop::turn() {
  armed_ = false;
  running_ = true;
  rt::Loop* before = current();
  set_current(this);
  for (int n = 0; n < turn_items_max && !ready_.empty(); ++n) {
    rt::Callback next = std::move(ready_.front());
    ready_.pop_front();
    next();
  }
  for (std::size_t i = 0; i < turn_end_.size(); ++i) {   // it may grow while it runs
    rt::Callback next = std::move(turn_end_[i]);
    next();
  }
  turn_end_.clear();
  set_current(before);
  running_ = false;
  busy_until_ = life_.now() + rng_.in(life_.world().options().turn);
  if (!ready_.empty()) arm();
}

void SimLoop::drop() {
  ready_.clear();
  turn_end_.clear();
  timers_.clear();
  timer_times_.clear();
  due_.clear();
  armed_ = true;   // never again
}

}  // namespace lockstep::os::sim
