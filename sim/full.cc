// A pool that is filled to its last block under load, by snapshots that hold what is overwritten. Hosts hear of it before anything is taken
// from them; it restarts as it is; a snapshot deleted gives room again, and its mirror never notices.
#include "sim/story.h"

namespace lockstep::sim {
namespace {

constexpr std::size_t volumes = 2;
constexpr const char* mirror = "m";

class Full final : public Story {
 public:
  Full(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0xf011), a_(world_, "a", sizes()), b_(world_, "b", sizes()) {
    load_.pause = std::chrono::microseconds(200 + rng_.below(1000));
    load_.blocks = 64 + rng_.below(64);
  }

  void play() override {
    a_.start();
    a_.must<void>("create pool", a_.system().create_pool(root, "p", "/data/pools/p", Bytes{(4 + rng_.below(5)) << 20}));
    make_pool(b_);
    pair_up(a_, b_);
    make_group(a_, "g", volumes, load_.blocks);
    if (rng_.coin()) create(a_, b_, mirror, {}), mirrored_ = true;
    for (std::uint64_t rounds = 1 + rng_.below(2); rounds > 0; --rounds) {
      fill();
      if (rng_.coin()) restart_full();
      empty();
    }
    level();
    for (Node* node : {&a_, &b_}) node->stop();
  }

 private:
  void fill() {
    tell("filling");
    for (int turn = 0; turn < 400; ++turn) {
      std::string name = "s" + std::to_string(++names_);
      if (take(name)) snapshots_.push_back(name);
      std::uint64_t before = history_.answers();
      a_.begin_load(history_, rng_.named("fill" + name), load_, volumes);
      run_for(50, 250);
      bool refused = a_.refused() > 0;
      a_.end_load();
      if (refused && history_.answers() == before) {   // to the last block: not one write fits
        judge(history_.lost_answered(a_.look(volumes, load_.blocks)), a_);
        return tell("full, with " + std::to_string(snapshots_.size()) + " snapshots");
      }
    }
    throw Failure("400 snapshots do not fill a pool of a few MiB");
  }

  // One that is asked for is refused when the pool is nearly full. Then one as role changes take them, to keep what would be lost: never refused for that.
  bool take(const std::string& name) {
    manage::Answer<SnapshotId> asked = a_.run(a_.system().create_snapshot(root, "g", name));
    if (asked || asked.error().code != manage::ReturnCode::insufficient_resources) return asked.has_value();
    for (const manage::GroupInfo& info : a_.run(a_.system().groups()))
      if (info.row.name == "g") return a_.run(kept(a_.system().pool_of_export("p/any"), info.row.id, name)).has_value();
    return false;
  }
  static rt::Task<Result<SnapshotId>> kept(pool::Pool* pool, GroupId group, std::string name) {
    Result<SnapshotId> taken = co_await rt::run_on(pool->loop(), pool->snapshot(group, std::move(name), ""));
    co_return taken;
  }

  void restart_full() {
    bool power = rng_.coin();
    a_.begin_load(history_, rng_.named("on the brink"), load_, volumes);
    run_for(5, 60);
    crash(a_, power);
    run_for(1, 300);
    restart(a_);
    Found found = a_.look(volumes, load_.blocks);
    judge_what_is_left(found, power, a_);
    history_.rebase(found);
  }

  // The oldest first, as a schedule would: each gives back what only it held.
  void empty() {
    while (!snapshots_.empty()) {
      a_.must<void>("delete snapshot", a_.system().delete_snapshot(root, "g", snapshots_.front()));
      snapshots_.erase(snapshots_.begin());
      if (rng_.coin()) break;
    }
    std::uint64_t before = history_.answers();
    Load patient = load_;   // two minutes of being refused
    patient.pause = std::chrono::milliseconds(5);
    a_.begin_load(history_, rng_.named("again"), patient, volumes);
    bool room = world_.run_until([&] { return history_.answers() >= before + 50; }, std::chrono::minutes(2));
    a_.end_load();
    if (!room && !snapshots_.empty()) return empty();   // those that are left hold the same blocks
    if (!room) throw Failure("every snapshot is deleted, and hosts are still refused");
    tell("hosts write again, " + std::to_string(snapshots_.size()) + " snapshots left");
    judge(history_.lost_answered(a_.look(volumes, load_.blocks)), a_);
  }

  void level() {
    if (!mirrored_) return;
    world_.run_for(contact_decided);
    wait_level(a_, mirror);
    same("a", a_.look(volumes, load_.blocks), "b", b_.look(volumes, load_.blocks));
  }

  Node a_, b_;
  bool mirrored_ = false;
  std::vector<std::string> snapshots_;
  std::uint64_t names_ = 0;
};

}  // namespace

std::unique_ptr<Story> make_full_story(std::uint64_t seed, bool verbose) { return std::make_unique<Full>(seed, verbose); }

}  // namespace lockstep::sim
