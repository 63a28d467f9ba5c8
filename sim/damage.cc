// Bytes that go bad behind everybody's back: in the data file, in the journal, in the database, on the wire. They are met and named, and
// repaired where the other end has them; nobody ever reads them. What hosts read is what was written, or an error.
#include <array>

#include "sim/story.h"

namespace lockstep::sim {
namespace {

constexpr std::size_t volumes = 2;
constexpr const char* mirror = "m";
const std::string pool_path = "/data/pools/p";

class Damage final : public Story {
 public:
  Damage(std::uint64_t seed, bool verbose) : Story(seed, verbose, 0xda3a6e), a_(world_, "a", sizes()), b_(world_, "b", sizes()) { load_.pause = std::chrono::microseconds(1000 + rng_.below(4000)); }

  void play() override {
    for (Node* node : {&a_, &b_}) make_pool(*node);
    pair_up(a_, b_);
    make_group(a_, "g", volumes, load_.blocks);
    create(a_, b_, mirror, {});
    for (std::uint64_t rounds = 1 + rng_.below(3); rounds > 0; --rounds) {
      a_.begin_load(history_, rng_.named("load" + std::to_string(rounds)), load_, volumes);
      run_for(20, 150);
      switch (rng_.below(5)) {
        case 0: at_one_end(a_); break;
        case 1: at_one_end(b_); break;
        case 2: at_both_ends(); break;
        case 3: in_a_file(rng_.coin() ? a_ : b_); break;
        default: on_the_wire(); break;
      }
      if (refuses_for_good_) return end();
      level();
    }
    a_.finish(a_.must<manage::Outcome>("verify", a_.system().verify(root, mirror, {.read = true, .repair = false})), "verify");
    auto report = a_.report(mirror);
    if (!report || !report->verified || !report->verified->good()) throw Broken("all damage was mended or written over, and a verification finds: " + (report && report->verified ? replica::text_of(*report->verified) : std::string("nothing")));
    end();
  }

 private:
  void end() {
    for (Node* node : {&a_, &b_}) node->stop();
  }

  void level() {
    a_.end_load();
    world_.run_for(contact_decided);
    wait_level(a_, mirror);
    Found here = a_.look(volumes, load_.blocks);
    judge(history_.lost_answered(here), a_);
    same("a", here, "b", b_.look(volumes, load_.blocks));
  }

  // Nothing is in memory only, and the journal is behind.
  void settle_at_rest() {
    level();
    world_.run_for(std::chrono::seconds(65));
    level();
  }

  // One bit in every place that holds this write; how many there were.
  std::size_t spoil(Node& node, std::uint64_t number) {
    const std::string path = pool_path + "/store/data";
    Buffer block(block_size), all = node.host().disk().bytes_of(path);
    fill_block(number, block);
    std::size_t places = 0;
    for (std::size_t at = 0; at + block_size <= all.size(); at += block_size) {
      if (!std::equal(block.begin(), block.end(), all.begin() + static_cast<std::ptrdiff_t>(at))) continue;
      node.host().disk().corrupt(path, Bytes{at + rng_.below(block_size)}, static_cast<std::byte>(1U << rng_.below(8)));
      ++places;
    }
    return places;
  }

  // Some of the writes that are there now.
  std::vector<std::uint64_t> some_of(const Found& found) {
    std::vector<std::uint64_t> numbers;
    for (const auto& [spot, number] : found)
      if (number != never && rng_.below(8) == 0 && std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
    return numbers;
  }

  static bool told(Node& node, std::uint64_t after, const std::string& what) {
    for (const manage::Event& event : node.system().events(after, 10000))
      if (event.kind == "Repair" && event.after == what) return true;
    return false;
  }

  void at_one_end(Node& node) {
    settle_at_rest();
    Found whole = node.look(volumes, load_.blocks);
    std::size_t places = 0;
    for (std::uint64_t number : some_of(whole)) places += spoil(node, number);
    ++faults_;
    tell(std::to_string(places) + " blocks go bad on " + node.name());
    std::uint64_t before = node.system().last_event();
    if (places > 0 && rng_.coin()) {
      partition(a_, b_);
      world_.run_for(contact_decided);
      auto found = node.try_look(volumes, load_.blocks);
      if (found && *found != whole) throw Broken(node.name() + " serves something else than what was written");
      if (!found && found.error().code != Code::corrupt) throw Failure(node.name() + ": damaged, and its error is another one: " + found.error().message);
      heal(a_, b_);
      world_.run_for(contact_decided);
      a_.wait_state(mirror, replica::CopyState::synchronized);
    }
    same(node.name() + ", repaired,", node.look(volumes, load_.blocks), node.name() + " before", whole);
    world_.run_for(std::chrono::milliseconds(50));
    if (places > 0 && !told(node, before, "repaired")) throw Failure(node.name() + ": blocks went bad and were read, and nobody was told");
  }

  void at_both_ends() {
    settle_at_rest();
    Found whole = a_.look(volumes, load_.blocks);
    std::size_t bad = 0;
    for (std::uint64_t number : some_of(whole)) bad += spoil(a_, number) > 0 && spoil(b_, number) > 0 ? 1 : 0;
    ++faults_;
    tell(std::to_string(bad) + " writes go bad on both");
    for (Node* node : {&a_, &b_}) {
      auto found = node->try_look(volumes, load_.blocks);
      if (found && *found != whole) throw Broken(node->name() + " serves something else than what was written");
      if (!found && found.error().code != Code::corrupt) throw Failure(node->name() + ": damaged, and its error is another one: " + found.error().message);
      if (found && bad > 0) throw Broken(node->name() + " has read what nobody has any more");
    }
    if (bad > 0) write_over();
  }

  // What is lost at both ends is good again once it is written as a whole.
  void write_over() {
    Load whole = load_;
    whole.pause = Duration{0};
    for (int turn = 0; turn < 40; ++turn) {
      a_.begin_load(history_, rng_.named("over" + std::to_string(turn)), whole, volumes);
      run_for(60, 100);
      a_.end_load();
      if (a_.try_look(volumes, load_.blocks)) return;
    }
    throw Failure("everything was written over, and is not readable again");
  }

  // Of the journal or the database, while the system is down. It says so, or it goes on with what is right; nothing wrong is ever read.
  void in_a_file(Node& node) {
    level();
    ++faults_;
    crash(node, false);
    std::vector<std::string> files;
    for (const std::string& path : node.host().disk().all_files())
      if (path.starts_with(pool_path + "/") && path != pool_path + "/store/data" && !node.host().disk().bytes_of(path).empty()) files.push_back(path);
    std::string path = files[rng_.below(files.size())];
    Bytes at{rng_.below(node.host().disk().bytes_of(path).size())};
    tell("a byte goes bad in " + path + " at " + std::to_string(at.value));
    node.host().disk().corrupt(path, at, std::byte{0x10});
    Buffer spoilt = node.host().disk().bytes_of(path);
    try {
      restart(node);
      auto found = node.try_look(volumes, load_.blocks);
      if (found) judge(history_.not_a_prefix(*found), node);
      tell(found ? "it serves" : "it refuses: " + found.error().message);
    } catch (const Broken&) {
      throw;
    } catch (const Failure& failure) {
      tell(std::string("it refuses: ") + failure.what());
    }
    put_right(node, path, at, spoilt);
    refuses_for_good_ = node.system().pool_of_export("p/v0") == nullptr;   // what the file held is gone, and only a copy of it would help
    if (refuses_for_good_) return must_say_why(node);
    if (&node == &a_) history_.rebase(node.look(volumes, load_.blocks));
  }

  // As from a backup of the file, taken when the system was down.
  void put_right(Node& node, const std::string& path, Bytes at, const Buffer& spoilt) {
    if (node.up()) crash(node, false);
    else node.host().kill();
    if (node.host().disk().exists(path) && node.host().disk().bytes_of(path) == spoilt) node.host().disk().corrupt(path, at, std::byte{0x10});
    restart(node);
  }

  void must_say_why(Node& node) {
    for (const manage::PoolInfo& pool : node.run(node.system().pools())) {
      if (!pool.error) throw Failure(node.name() + ": its pool is not open, and it does not say why");
      tell("it refuses for good: " + pool.error->message);
    }
    Node& other = &node == &a_ ? b_ : a_;
    judge(history_.not_a_prefix(other.look_at_once("g", volumes, load_.blocks)), other);
  }

  void on_the_wire() {
    for (std::uint64_t times = 1 + rng_.below(6); times > 0; --times) {
      ++faults_;
      bool there = rng_.below(4) != 0;
      world_.network().flip_bit((there ? a_ : b_).host(), (there ? b_ : a_).host(), rng_.below(there ? 200000 : 2000));
      run_for(20, 200);
    }
    tell("bits were flipped on the wire");
  }

  Node a_, b_;
  bool refuses_for_good_ = false;
};

}  // namespace

std::unique_ptr<Story> make_damage_story(std::uint64_t seed, bool verbose) { return std::make_unique<Damage>(seed, verbose); }

}  // namespace lockstep::sim
