// Two ends that part and come together again: every way of a mirror there and back, hosts that write on one end or on both, and faults
// in the midst. The side that the way keeps has what it answered; what the other side wrote since they parted is in a snapshot.
#include <array>
#include <utility>

#include "sim/story.h"

namespace lockstep::sim {
namespace {

using replica::CopyState;
using replica::Mode;
using replica::Operation;

constexpr std::size_t volumes = 2;
constexpr const char* relation = "r";

class Roles final : public Story {
 public:
  Roles(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0x20135), a_(world_, "a", sizes()), b_(world_, "b", sizes()), source_(&a_), target_(&b_) {
    load_.pause = std::chrono::microseconds(1000 + rng_.below(4000));
  }

  void play() override {
    set_up_mirror(a_, b_, relation, volumes);
    for (std::uint64_t rounds = 1 + rng_.below(3); rounds > 0; --rounds) {
      part();
      join();
      level();
      settle_accounts();
    }
    for (Node* node : {&a_, &b_}) {
      node->stop();
      node->restart();
    }
    level();
    judge(history_.lost_answered(source_->look(volumes, load_.blocks)), *source_);
    for (Node* node : {&a_, &b_}) node->stop();
  }

 private:
  // What hosts wrote on one end since the two parted, and what of it is promised.
  struct Branch {
    Node* at = nullptr;
    History* history = nullptr;
    bool lost_power = false;   // only what was flushed, then

    [[nodiscard]] std::optional<std::string> lost(const Found& found) const { return lost_power ? history->lost_flushed(found) : history->lost_answered(found); }
    [[nodiscard]] std::optional<std::string> wrong(const Found& found) const {
      auto missing = lost(found);
      return missing ? missing : history->not_a_prefix(found);
    }
  };
  struct Step {
    Node* at;
    Operation operation;
  };

  // --- they part

  void part() {
    there_.reset();
    here_ = Branch{.at = source_, .history = &history_};
    source_->begin_load(history_, rng_.named("here"), load_, volumes);
    run_for(5, 80);
    if (rng_.below(3) == 0) configure();
    switch (rng_.below(10)) {
      case 0:
      case 1: return part_by(Operation::split, {Operation::resync_replica, Operation::restore_from_replica, Operation::reverse_roles, Operation::detach});
      case 2: return part_by(Operation::fracture, {Operation::resync_replica, Operation::restore_from_replica, Operation::reverse_roles, Operation::dissolve});
      case 3: return part_by(Operation::suspend, {Operation::resume, Operation::resync_replica, Operation::reverse_roles, Operation::restore_from_replica});
      case 4: return part_by(Operation::deactivate, {Operation::activate});
      case 5: return part_by(rng_.coin() ? Operation::prepare : Operation::unprepare, {Operation::activate});
      case 6: return give_up();
      case 7: return hand_over();
      case 8: return lose_the_source();
      default: return serve_on_both();
    }
  }

  void configure() {
    constexpr std::array all{Operation::reset_to_sync, Operation::reset_to_async, Operation::reset_to_adaptive, Operation::activate_consistency, Operation::deactivate_consistency};
    Operation operation = all[rng_.below(all.size())];
    tell(std::string(replica::name_of(operation)));
    source_->operate(relation, operation);
    run_for(1, 1500);
  }

  void part_by(Operation operation, std::vector<Operation> ways) {
    tell(std::string(replica::name_of(operation)));
    std::uint64_t before = history_.now();
    source_->operate(relation, operation);
    std::uint64_t after = history_.now();
    open_there(operation == Operation::split || operation == Operation::fracture);
    if (operation == Operation::split) judge(history_.not_of_then(base_, before, after), *target_);
    if (operation == Operation::suspend && rng_.coin()) {
      fault(false);
      world_.run_for(contact_decided);
    }
    way_ = ways[rng_.below(ways.size())];
  }

  // A resync is given up in its midst: the target falls back to what it was, or never began to leave.
  void give_up() {
    part_by(Operation::suspend, {Operation::resync_replica});
    if (rng_.coin()) {
      tell("Resume, and its job is cancelled");
      Node::Going going = source_->begin_operation(relation, Operation::resume);
      run_for(1, 40);
      source_->cancel_jobs();
      static_cast<void>(source_->await(going, "Resume"));
    }
    if (source_->report(relation)->copy_state == CopyState::synchronized) return;   // it was over before
    tell("Abort");
    source_->operate(relation, Operation::abort);
    judge(history_.not_a_prefix(target_->look(volumes, load_.blocks)), *target_);
  }

  // The target as it is now, which is a prefix of what its source wrote; hosts may go on there.
  void open_there(bool writable) {
    opened_ = writable;
    base_ = target_->look(volumes, load_.blocks);
    judge(history_.not_a_prefix(base_), *target_);
    there_ = history_.forked(base_);
    there_branch_ = Branch{.at = target_, .history = &*there_};
    if (!writable || rng_.below(4) == 0) return;
    tell("hosts write on " + target_->name());
    target_->begin_load(*there_, rng_.named("there"), load_, volumes);
    run_for(5, 150);
  }

  void hand_over() {
    if (rng_.coin()) source_->end_load();
    tell("planned failover to " + target_->name());
    target_->operate(relation, Operation::failover);
    source_->end_load();
    open_there(true);
    judge(history_.lost_answered(base_), *target_);
    choose_way_back();
  }

  void lose_the_source() {
    auto before = source_->report(relation);
    bool promised = before && before->relationship.settings.mode == Mode::synchronous && before->copy_state == CopyState::synchronized && before->mode_in_force == Mode::synchronous;
    here_.lost_power = rng_.coin();
    crash(*source_, here_.lost_power);
    run_for(1, 100);
    tell("failover to " + target_->name() + (promised ? ", every answered write promised" : ""));
    target_->operate(relation, Operation::failover);
    open_there(true);
    if (promised) judge(history_.lost_answered(base_), *target_);
    restart(*source_);
    run_for(1, 4000);
    choose_way_back();
  }

  // The link is lost, and somebody opens the target while the source serves on. At the next contact both know.
  void serve_on_both() {
    partition(a_, b_);
    run_for(3500, 5000);
    tell("failover to " + target_->name() + ", and " + source_->name() + " serves on");
    target_->operate(relation, Operation::failover);
    open_there(true);
    heal(a_, b_);
    run_for(1, 50);
    source_->end_load();
    target_->end_load();
    world_.run_for(contact_decided);
    if (history_.lost_answered(base_) && there_->lost_answered(base_)) {
      auto s = source_->report(relation), t = target_->report(relation);
      if (s->conflict.empty() && t->conflict.empty()) throw Broken("two ends were written, and neither " + source_->name() + " nor " + target_->name() + " says so");
    }
    judge(here_.wrong(source_->look_at_once("g", volumes, load_.blocks)), *source_);
    judge(there_branch_.wrong(target_->look_at_once("g", volumes, load_.blocks)), *target_);
    choose_way_back();
  }

  void choose_way_back() {
    constexpr std::array ways{Operation::failback, Operation::failback, Operation::reverse_roles, Operation::detach};
    way_ = ways[rng_.below(ways.size())];
  }

  // --- and come together

  void join() {
    std::vector<Step> steps;
    std::optional<Node*> detached;   // who is the source of the next relationship
    keeps_there_ = way_ == Operation::restore_from_replica || way_ == Operation::failback || way_ == Operation::reverse_roles;
    auto now = source_->report(relation);
    bool suspended = now && now->copy_state == CopyState::suspended;
    if (suspended && way_ == Operation::reverse_roles) keeps_there_ = false;   // the target gets what it lacks first
    if (way_ == Operation::detach || way_ == Operation::dissolve) {
      detached = failed_over() || rng_.coin() ? target_ : source_;
      keeps_there_ = *detached == target_;
      steps = {{target_, way_}};
    } else if (way_ == Operation::reverse_roles) {
      steps = {{target_, way_}, {target_, suspended || failed_over() ? Operation::resume : Operation::resync_replica}};
    } else {
      steps = {{way_ == Operation::failback || rng_.coin() ? target_ : source_, way_}};
    }
    certain_ = true;
    std::size_t hurt = detached || rng_.coin() ? steps.size() : rng_.below(steps.size());
    for (std::size_t i = 0; i < steps.size() && certain_; ++i) walk(steps[i], i == hurt);
    a_.end_load();
    b_.end_load();
    if (way_ == Operation::reverse_roles && certain_) std::swap(source_, target_);
    if (detached) follow_anew(**detached);
  }

  [[nodiscard]] bool failed_over() {
    auto now = target_->report(relation);
    return now && now->copy_state == CopyState::failedover;
  }

  // Hosts write for a while yet; with `hurt`, something breaks in the midst.
  void walk(const Step& step, bool hurt) {
    std::string what = std::string(replica::name_of(step.operation)) + " on " + step.at->name();
    tell(what);
    Node::Going going = step.at->begin_operation(relation, step.operation);
    pass(0, 300);
    if (hurt) {
      for (std::uint64_t times = 1 + rng_.below(2); times > 0; --times) fault(true);
    }
    a_.end_load();
    b_.end_load();
    std::optional<std::string> wrong = step.at->await(going, what);
    if (wrong && !hurt) throw Failure(what + ": " + *wrong);
    if (wrong) tell("  it failed: " + *wrong), certain_ = false;
  }

  // As time goes by, hosts let go of what is closed to them at that instant.
  void pass(std::uint64_t least_ms, std::uint64_t most_ms) {
    Duration length = std::chrono::microseconds(least_ms * 1000 + rng_.below((most_ms - least_ms) * 1000));
    Instant end = world_.now() + length;
    static_cast<void>(world_.run_until([this] { return retire(), false; }, length));
    world_.run_until(end);
  }
  void retire() {
    for (Node* node : {&a_, &b_}) node->retire_if_closed();
  }

  void fault(bool both) {
    switch (rng_.below(both ? 4 : 2)) {
      case 0: return lose(*target_);
      case 1:
        partition(a_, b_);
        pass(10, 6000);
        return heal(a_, b_);
      case 2: return lose(*source_);
      default:
        ++faults_;
        tell("connections reset");
        world_.network().reset_connections(a_.host(), b_.host());
        return pass(1, 500);
    }
  }

  void lose(Node& node) {
    bool power = rng_.coin();
    crash(node, power);
    if (power) (here_.at == &node ? here_ : there_branch_).lost_power = true;
    pass(1, 500);
    restart(node);
    pass(1, 500);
  }

  void follow_anew(Node& from) {
    if (&from == target_) std::swap(source_, target_);
    world_.run_for(contact_decided);
    for (Node* node : {&a_, &b_})
      if (node->report(relation)) throw Failure(node->name() + ": " + relation + " has ended, and is still there");
    manage::CreateReplica request;
    request.mode = static_cast<std::uint16_t>(Mode::asynchronous);
    request.target_group = "p/g";
    create(from, *target_, relation, request);
  }

  // What an administrator does who wants it back.
  void level() {
    for (int tries = 0; tries < 14; ++tries) {
      world_.run_for(std::chrono::seconds(6));
      auto a = a_.report(relation), b = b_.report(relation);
      if (!a || !b) throw Failure("relationship r is gone from " + (a ? b_ : a_).name());
      if (a->relationship.end != b->relationship.end) {
        source_ = a->relationship.end == replica::End::source ? &a_ : &b_;
        target_ = source_ == &a_ ? &b_ : &a_;
      }
      auto now = source_->report(relation);
      if (now->copy_state == CopyState::synchronized && target_->report(relation)->copy_state == CopyState::synchronized) {
        wait_level(*source_, relation);
        return;
      }
      std::optional<Operation> next = way_on(now->copy_state, tries);
      if (!next) continue;
      tell(std::string(replica::name_of(*next)) + ", to get on from " + std::string(replica::name_of(now->copy_state)));
      if (auto wrong = source_->try_operate(relation, *next)) tell("  it failed: " + *wrong);
    }
    auto s = source_->report(relation), t = target_->report(relation);
    throw Failure("relationship r does not become Synchronized again: " + std::string(replica::name_of(s->copy_state)) + " on " + source_->name() + ": " + s->cause + s->conflict + "; " +
                  std::string(replica::name_of(t->copy_state)) + " on " + target_->name() + ": " + t->cause + t->conflict);
  }

  static std::optional<Operation> way_on(CopyState state, int tries) {
    switch (state) {
      case CopyState::failedover: return Operation::failback;
      case CopyState::suspended: return Operation::resume;
      case CopyState::inactive:
      case CopyState::prepared: return Operation::activate;
      case CopyState::aborted:
      case CopyState::split:
      case CopyState::fractured: return Operation::resync_replica;
      case CopyState::broken: return tries > 4 ? std::optional(Operation::resync_replica) : std::nullopt;   // most heal by themselves
      default: return std::nullopt;
    }
  }

  // Both are the same; what was promised on the side that was kept is there, and on the other in a snapshot.
  void settle_accounts() {
    Found head = source_->look(volumes, load_.blocks);
    same(source_->name(), head, target_->name(), target_->look(volumes, load_.blocks));
    bool there_kept = keeps_there_;
    if (!certain_) there_kept = !wrong_there(head) && (keeps_there_ || here_.wrong(head));
    const Branch &kept = there_kept ? there_branch_ : here_, &other = there_kept ? here_ : there_branch_;
    if (auto wrong = there_kept ? wrong_there(head) : here_.wrong(head)) throw Broken("what " + kept.at->name() + " had is kept, and yet: " + *wrong);
    if (auto more = other.lost(there_kept && !opened_ ? head : base_)) must_be_kept(other, *more);
    for (Node* node : {&a_, &b_})
      for (const manage::SnapshotInfo& info : node->kept_snapshots()) node->must<void>("delete snapshot", node->system().delete_snapshot(root, info.group, info.row.name));
    if (there_kept && opened_) history_ = std::move(*there_);
    history_.rebase(head);
  }

  // A target that was never opened may lose, with its power, some of what it had: it is still a prefix.
  [[nodiscard]] std::optional<std::string> wrong_there(const Found& head) const { return opened_ ? there_branch_.wrong(head) : history_.not_a_prefix(head); }

  void must_be_kept(const Branch& branch, const std::string& more) {
    std::string tried;
    for (Node* node : {&a_, &b_}) {
      for (const manage::SnapshotInfo& info : node->kept_snapshots()) {
        auto wrong = branch.wrong(node->look_at_snapshot(info.row.id, volumes, load_.blocks));
        if (!wrong) return tell("what only " + branch.at->name() + " had is in " + node->name() + "'s snapshot " + info.row.name);
        tried += "; " + node->name() + "'s snapshot " + info.row.name + ": " + *wrong;
      }
    }
    throw Broken("what only " + branch.at->name() + " had is in no snapshot: " + more + tried);
  }

  Node a_, b_;
  Node *source_, *target_;
  Branch here_, there_branch_;
  std::optional<History> there_;
  Found base_;                    // of what is there, when they parted
  Operation way_ = Operation::resume;
  bool opened_ = false;           // hosts could write there
  bool keeps_there_ = false;      // the way, when it is gone to its end, keeps what is there
  bool certain_ = true;           // it was
};

}  // namespace

std::unique_ptr<Story> make_roles_story(std::uint64_t seed, bool verbose) { return std::make_unique<Roles>(seed, verbose); }

}  // namespace lockstep::sim
