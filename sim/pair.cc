// Two systems: a mirror whose roles change, under a load; every fault, and the operations that answer it.
#include "sim/story.h"

namespace lockstep::sim {
namespace {

constexpr std::size_t volumes = 2;
constexpr const char* relation = "r";

class Pair final : public Story {
 public:
  Pair(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0x77), a_(world_, "a", sizes()), b_(world_, "b", sizes()), source_(&a_), target_(&b_) {
    load_.pause = std::chrono::microseconds(300 + rng_.below(3000));
    synchronous_ = rng_.coin();
  }

  void play() override {
    set_up();
    std::uint64_t rounds = 2 + rng_.below(5);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      source_->begin_load(history_, rng_.named("load" + std::to_string(i)), load_, volumes);
      run_for(5, 120);
      step();
    }
    finish();
  }

 private:
  void set_up() {
    for (Node* node : {&a_, &b_}) make_pool(*node);
    pair_up(a_, b_);
    make_group(a_, "g", volumes, load_.blocks);
    if (rng_.coin()) {   // something to copy first
      a_.begin_load(history_, rng_.named("before"), bearable(load_), volumes);
      run_for(2, 40);
      if (rng_.coin()) a_.end_load();
    }
    manage::CreateReplica request;
    request.mode = static_cast<std::uint16_t>(synchronous_ ? replica::Mode::synchronous : replica::Mode::asynchronous);
    create(a_, b_, relation, request);
    a_.end_load();
    a_.wait_state(relation, replica::CopyState::synchronized);
    check_equal();
  }

  void step() {
    switch (rng_.below(8)) {
      case 0: return crash_source(false);
      case 1: return crash_source(true);
      case 2: return crash_target(rng_.coin());
      case 3: return cut_network();
      case 4: return planned_failover();
      case 5:
      case 6: return unplanned_failover(rng_.coin());
      default: return suspend_and_resume();
    }
  }

  void crash_source(bool power) {
    crash(*source_, power);
    run_for(1, 300);
    restart(*source_);
    Found found = source_->look_at_once("g", volumes, load_.blocks);
    judge_what_is_left(found, power, *source_);
    // A source that lost power may have been behind its target, and fetches back what it lost before hosts are let in.
    Found let_in = source_->look(volumes, load_.blocks);
    judge(history_.lost_flushed(let_in), *source_);
    judge(history_.not_a_prefix(let_in), *source_);
    source_->wait_state(relation, replica::CopyState::synchronized);
    found = source_->look(volumes, load_.blocks);
    if (found != let_in) throw Failure(source_->name() + ": what the volumes hold has changed under hosts that only looked");
    history_.rebase(found);
    settle();
  }

  void crash_target(bool power) {
    crash(*target_, power);
    run_for(10, 600);
    restart(*target_);
    run_for(1, 100);
    settle();
  }

  void cut_network() {
    partition(a_, b_);
    run_for(10, 5000);
    heal(a_, b_);
    run_for(1, 50);
    settle();
  }

  void suspend_and_resume() {
    source_->end_load();
    tell("suspend");
    source_->operate(relation, replica::Operation::suspend);
    source_->begin_load(history_, rng_.named("suspended"), load_, volumes);
    run_for(5, 200);
    source_->end_load();   // a load that never pauses outruns every pass over a link this slow
    tell("resume");
    source_->operate(relation, replica::Operation::resume);
    settle();
  }

  void planned_failover() {
    source_->end_load();
    tell("planned failover to " + target_->name());
    target_->operate(relation, replica::Operation::failover);
    Found found = target_->look(volumes, load_.blocks);
    judge(history_.lost_answered(found), *target_);
    history_.rebase(found);
    swap_roles();
  }

  void unplanned_failover(bool power) {
    auto before = source_->report(relation);
    bool promised = synchronous_ && before && before->copy_state == replica::CopyState::synchronized && before->mode_in_force == replica::Mode::synchronous;
    crash(*source_, power);
    run_for(1, 100);
    tell(std::string("unplanned failover to ") + target_->name() + (promised ? ", every answered write promised" : ""));
    target_->operate(relation, replica::Operation::failover);
    Found found = target_->look(volumes, load_.blocks);
    if (promised) judge(history_.lost_answered(found), *target_);
    judge(history_.not_a_prefix(found), *target_);
    history_.rebase(found);
    if (rng_.coin()) {
      target_->begin_load(history_, rng_.named("after failover"), load_, volumes);
      run_for(5, 100);
      target_->end_load();
    }
    restart(*source_);
    run_for(1, 3000);
    swap_roles();
  }

  // The former target serves; the former source becomes its target.
  void swap_roles() {
    std::swap(source_, target_);
    tell("reverse roles: " + source_->name() + " is the source");
    source_->operate(relation, replica::Operation::reverse_roles);
    source_->operate(relation, replica::Operation::resume);
    settle();
  }

  // The load ends, the pair heals, and both ends are the same.
  void settle() {
    source_->end_load();
    world_.run_for(contact_decided);
    source_->wait_state(relation, replica::CopyState::synchronized);
    check_equal();
  }

  void check_equal() {
    world_.run_for(contact_decided);
    wait_level(*source_, relation);
    Found here = source_->look(volumes, load_.blocks), there = target_->look(volumes, load_.blocks);
    judge(history_.lost_answered(here), *source_);
    same(source_->name(), here, target_->name(), there);
  }

  void finish() {
    tell("clean stop of both, and restart");
    for (Node* node : {source_, target_}) {
      node->stop();
      node->restart();
    }
    settle();
    for (Node* node : {source_, target_}) node->stop();
  }

  Node a_, b_;
  Node *source_, *target_;
  bool synchronous_ = false;
};

}  // namespace

std::unique_ptr<Story> make_pair_story(std::uint64_t seed, bool verbose) { return std::make_unique<Pair>(seed, verbose); }

}  // namespace lockstep::sim
