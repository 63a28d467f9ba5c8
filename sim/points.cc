// Points in time: snapshots, clones and tokenized clones, near and far, rewinds and drills of a group that is written to all the while and
// mirrored. Each holds one instant between the call and its answer; what it holds stays, whatever dies or is written elsewhere.
#include <array>

#include "sim/story.h"

namespace lockstep::sim {
namespace {

using replica::CopyState;
using replica::Operation;

constexpr std::size_t volumes = 2;
constexpr const char* mirror = "m";

class Points final : public Story {
 public:
  Points(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0x90147), a_(world_, "a", sizes()), b_(world_, "b", sizes()) { load_.pause = std::chrono::microseconds(4000 + rng_.below(8000)), mirrored_ = rng_.below(3) != 0; }

  void play() override {
    set_up();
    for (std::uint64_t rounds = 4 + rng_.below(5); rounds > 0; --rounds) {
      begin_load();
      run_for(5, 60);
      step();
    }
    a_.end_load();
    world_.run_for(contact_decided);
    if (mirrored_) {
      wait_level(a_, mirror);
      same("a", a_.look(volumes, load_.blocks), "b", b_.look(volumes, load_.blocks));
    }
    judge(history_.lost_answered(a_.look(volumes, load_.blocks)), a_);
    for (Node* node : {&a_, &b_}) {
      node->stop();
      node->restart();
    }
    look_at_all();
    for (Node* node : {&a_, &b_}) node->stop();
  }

 private:
  struct Point {
    Node* at;
    std::string group;
    std::string relation;   // of a snapshot that is tied to its source; else empty
    Found content;
    History history;        // of what hosts may write there
  };
  struct Mark {
    std::string position;
    std::uint64_t before, after;
  };

  void set_up() {
    for (Node* node : {&a_, &b_}) make_pool(*node);
    pair_up(a_, b_);
    make_group(a_, "g", volumes, load_.blocks);
    if (mirrored_) create(a_, b_, mirror, {});
    a_.must<void>("window", a_.system().set_rewind_window(root, "g", std::chrono::hours(1), 64_MiB));
    if (mirrored_) wait_level(a_, mirror);
  }

  void begin_load() {
    a_.end_load();
    a_.begin_load(history_, rng_.named("load" + std::to_string(++loads_)), bearable(load_), volumes);
  }

  void step() {
    switch (rng_.below(14)) {
      case 0:
      case 1: return copy(7);
      case 2:
      case 3: return copy(8);
      case 4:
      case 5: return by_token();
      case 6: return rewind();
      case 7: return drill();
      case 8: return verify();
      case 9: return write_there();
      case 10: return of_a_snapshot();
      case 11: return lose_the_source();
      case 12: lose_the_target(); return calm_down();
      default: return user_snapshot();
    }
  }

  Node& either() { return rng_.coin() ? a_ : b_; }

  // The call, and perhaps a fault while it runs. False: it failed, which only a fault excuses.
  bool call(Node& at, const std::string& what, rt::Task<manage::Answer<manage::Outcome>> asked) {
    tell(what + " on " + at.name());
    Node::Going going = at.begin(std::move(asked));
    bool hurt = rng_.below(4) == 0;
    if (hurt) {
      run_for(0, 40);
      if (rng_.coin()) lose_the_target();
      else lose_link();
    }
    auto wrong = at.await(going, what);
    if (hurt) calm_down();
    if (wrong && !hurt) throw Failure(at.name() + ": " + what + ": " + *wrong);
    if (wrong) tell("  it failed: " + *wrong);
    return !wrong;
  }

  void note_point(Node& at, const std::string& group, const std::string& relation, std::uint64_t before, std::uint64_t after) {
    Found content = at.look_group(group, load_.blocks);
    judge(history_.not_of_then(content, before, after), at);
    judge(history_.not_a_prefix(content), at);
    History own = history_.forked(content);
    points_.push_back(Point{&at, group, relation, std::move(content), std::move(own)});
  }

  void copy(std::uint16_t type) {
    Node& to = either();
    std::string name = "c" + std::to_string(++copies_), group = "copy" + std::to_string(copies_);
    manage::CreateReplica request;
    request.pool = "p";
    request.group = "g";
    request.relationship_name = name;
    request.sync_type = type;
    request.mode = static_cast<std::uint16_t>(2 + rng_.below(3));
    request.target_system = to.name();
    request.target_group = group;
    std::uint64_t before = history_.now();
    bool done = call(a_, std::string(type == 7 ? "snapshot " : "clone ") + group + (&to == &a_ ? ", near" : ", far"), a_.system().create_replica(root, request));
    if (!done) return give_up(name);
    note_point(to, group, type == 7 ? name : "", before, history_.now());
  }

  void by_token() {
    Node& to = either();
    std::string name = "t" + std::to_string(++copies_), group = "copy" + std::to_string(copies_);
    std::uint64_t before = history_.now();
    std::string token = a_.must<std::string>("token", a_.system().create_token(root, "g", std::chrono::hours(1), false));
    std::uint64_t after = history_.now();
    run_for(0, 100);
    manage::UseToken use;
    use.token = token;
    use.relationship_name = name;
    use.target_group = group;
    if (!call(to, "token used for " + group, to.system().use_token(root, use))) return give_up(name);
    note_point(to, group, "", before, after);
    manage::UseToken again;
    again.token = token;
    again.target_group = group + "again";
    if (to.run(to.system().use_token(root, again))) throw Broken("a token that was used up made another copy");
  }

  // A copy that a fault kept from being made is let go, if anything of it is there.
  void give_up(const std::string& name) {
    world_.run_for(contact_decided);
    for (Node* node : {&a_, &b_})
      if (node->report(name)) static_cast<void>(node->try_operate(name, Operation::detach));
  }

  void rewind() {
    if (marks_.empty() || rng_.coin()) {
      Mark mark;
      mark.before = history_.now();
      manage::GroupPoints points = a_.must<manage::GroupPoints>("recovery points", a_.system().recovery_points("g"));
      mark.after = history_.now();
      if (!points.known.range) return;
      mark.position = "@" + short_text_of(points.known.range->last.generation) + ":" + std::to_string(points.known.range->last.lsn.value);
      marks_.push_back(mark);
      run_for(5, 80);
    }
    Mark mark = marks_[rng_.below(marks_.size())];
    std::string group = "then" + std::to_string(++copies_);
    tell("rewind to " + mark.position + " as " + group);
    a_.finish(a_.must<manage::Outcome>("rewind to " + mark.position, a_.system().rewind_group(root, "g", mark.position, group)), "rewind");
    note_point(a_, group, "", mark.before, mark.after);
  }

  void drill() {
    if (!mirrored_) return;
    std::string group = "drill" + std::to_string(++copies_);
    tell("drill on b");
    wait_synchronized();
    manage::Drill drill = b_.must<manage::Drill>("drill", b_.system().drill(root, mirror, group));
    judge(history_.not_a_prefix(b_.look_group(drill.group, load_.blocks)), b_);
    for (const auto& volume : drill.volumes)
      if (!volume.damage.empty()) throw Broken("a drill finds damage where there is none: " + volume.damage);
    b_.must<void>("end of drill", b_.system().end_drill(root, mirror, group));
  }

  void wait_synchronized() {
    a_.wait_state(mirror, CopyState::synchronized);
    b_.wait_state(mirror, CopyState::synchronized);
  }

  void verify() {
    if (!mirrored_) return;
    tell("verify");
    wait_synchronized();
    a_.finish(a_.must<manage::Outcome>("verify", a_.system().verify(root, mirror, {.read = rng_.coin(), .repair = rng_.coin()})), "verify");
    auto report = a_.report(mirror);
    if (!report || !report->verified) throw Failure("a verification that has ended is not reported");
    if (!report->verified->equal() || report->verified->damaged != 0) throw Broken("verify: " + replica::text_of(*report->verified));
  }

  // Copies serve hosts, and nothing of that is seen anywhere else.
  void write_there() {
    if (points_.empty()) return;
    Point& point = points_[rng_.below(points_.size())];
    tell("hosts write on " + point.group);
    a_.end_load();
    point.at->begin_load_on(point.group, point.history, rng_.named("on " + point.group), load_);
    run_for(5, 100);
    point.at->end_load();
    point.content = point.at->look_group(point.group, load_.blocks);
    judge(point.history.lost_answered(point.content), *point.at);
    point.history.rebase(point.content);
    make_durable(*point.at, point.group);
    look_at_all();
  }

  // What was written and not flushed could go with the power: a snapshot is durable, and with it all before.
  void make_durable(Node& node, const std::string& group) {
    node.must<SnapshotId>("snapshot", node.system().create_snapshot(root, group, "flushed"));
    node.must<void>("delete snapshot", node.system().delete_snapshot(root, group, "flushed"));
  }

  void of_a_snapshot() {
    auto point = std::find_if(points_.begin(), points_.end(), [](const Point& p) { return !p.relation.empty(); });
    if (point == points_.end()) return;
    constexpr std::array all{Operation::resync_replica, Operation::restore_from_replica, Operation::return_to_resource_pool, Operation::detach, Operation::dissolve};
    Operation operation = all[rng_.below(all.size())];
    // Where others follow the source it would change under them, and that is refused.
    const bool followed = mirrored_ || std::ranges::any_of(points_, [&](const Point& p) { return &p != &*point && !p.relation.empty() && p.at != &a_; });
    if (followed && operation == Operation::restore_from_replica) operation = Operation::resync_replica;
    if (operation == Operation::restore_from_replica) a_.end_load();
    tell(std::string(replica::name_of(operation)) + " of " + point->group);
    std::uint64_t before = history_.now();
    a_.operate(point->relation, operation);
    if (operation == Operation::return_to_resource_pool) {
      if (point->at->has_group(point->group)) throw Failure("a snapshot was returned, and its group is still there");
      points_.erase(point);
    } else if (operation == Operation::resync_replica) {
      point->content = point->at->look_group(point->group, load_.blocks);
      judge(history_.not_of_then(point->content, before, history_.now()), *point->at);
      judge(history_.not_a_prefix(point->content), *point->at);
      point->history = history_.forked(point->content);
    } else if (operation == Operation::restore_from_replica) {
      restored(*point);
    } else {
      point->relation.clear();
    }
    look_at_all();
  }

  void restored(const Point& point) {
    Found now = a_.look(volumes, load_.blocks);
    same("a", now, point.group, point.content);
    std::string tried;
    bool kept = !history_.lost_answered(now);
    for (const manage::SnapshotInfo& info : a_.kept_snapshots()) {
      if (info.group != "g") continue;
      auto wrong = history_.lost_answered(a_.look_at_snapshot(info.row.id, volumes, load_.blocks));
      kept = kept || !wrong;
      if (wrong) tried += "; " + info.row.name + ": " + *wrong;
    }
    if (!kept) throw Broken("a was restored, and what it held is in no snapshot" + tried);
    history_ = point.history.forked(now);
    marks_.clear();
  }

  void user_snapshot() {
    std::string name = "u" + std::to_string(++copies_);
    std::uint64_t before = history_.now();
    tell("snapshot " + name);
    SnapshotId id = a_.must<SnapshotId>("snapshot", a_.system().create_snapshot(root, "g", name));
    std::uint64_t after = history_.now();
    run_for(1, 60);
    Found content = a_.look_at_snapshot(id, volumes, load_.blocks);
    judge(history_.not_of_then(content, before, after), a_);
    judge(history_.not_a_prefix(content), a_);
    a_.must<void>("delete snapshot", a_.system().delete_snapshot(root, "g", name));
  }

  void lose_the_source() {
    bool power = rng_.coin();
    crash(a_, power);
    run_for(1, 300);
    restart(a_);
    Found found = a_.look(volumes, load_.blocks);
    judge_what_is_left(found, power, a_);
    history_.rebase(found);
    marks_.clear();
    calm_down();
    if (mirrored_) a_.wait_state(mirror, CopyState::synchronized);
    look_at_all();
  }

  void lose_the_target() {
    crash(b_, rng_.coin());
    run_for(1, 500);
    restart(b_);
    run_for(1, 500);
  }

  // Everybody knows of everybody again.
  void calm_down() {
    a_.end_load();
    world_.run_for(contact_decided);
  }

  void lose_link() {
    partition(a_, b_);
    run_for(10, 3000);
    heal(a_, b_);
  }

  void look_at_all() {
    for (const Point& point : points_) same(point.at->name() + "'s " + point.group, point.at->look_group(point.group, load_.blocks), point.group + " as it was", point.content);
  }

  Node a_, b_;
  bool mirrored_ = true;
  std::vector<Point> points_;
  std::vector<Mark> marks_;
  std::uint64_t copies_ = 0, loads_ = 0;
};

}  // namespace

std::unique_ptr<Story> make_points_story(std::uint64_t seed, bool verbose) { return std::make_unique<Points>(seed, verbose); }

}  // namespace lockstep::sim
