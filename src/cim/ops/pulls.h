// Pulls: enumerations that clients have open. Private to cim.
// Promises: no more than `most` at once, none for longer than it may rest; each belongs to the user who opened it.
#pragma once

#include <map>
#include <string>

#include "cim/ops/call.h"

namespace lockstep::cim {

class Pulls {
 public:
  // What is pulled: the operation that goes with it.
  enum class Kind { instances_with_path, paths, instances };
  struct Open {
    Kind kind = Kind::instances_with_path;
    std::unique_ptr<Cursor> cursor;
    WriteFound write = nullptr;
    Shown shown;
    Place place;
    std::string_view name_space;
    std::string user;
    Duration rest{0};              // how long it may rest between two calls
    Instant until;
    std::optional<Found> next;     // read ahead: whether there is one decides EndOfSequence
  };
  static constexpr Duration rest_most = std::chrono::minutes(15);
  static constexpr Duration rest_usual = std::chrono::seconds(60);

  Pulls(rt::Loop& loop, os::Random& random, std::size_t most) : loop_(loop), random_(random), most_(most) {}
  ~Pulls() { loop_.cancel(timer_); }
  Pulls(const Pulls&) = delete;
  Pulls& operator=(const Pulls&) = delete;

  // Up to `count` objects, and, when there are more, the name of the context that has them.
  CimAnswer<Produced> open(Open open, std::uint64_t count);
  CimAnswer<Produced> pull(const Call& call, Kind kind, const std::string& context, std::uint64_t count);
  CimAnswer<> close(const Call& call, const std::string& context);
  CimAnswer<std::uint64_t> remaining(const Call& call, const std::string& context);
  [[nodiscard]] std::size_t size() const { return open_.size(); }

 private:
  CimAnswer<Open*> find(const Call& call, const std::string& context);
  Produced take(Open& open, std::uint64_t count, const std::string& context);
  void drop_old();
  void set_timer();

  rt::Loop& loop_;
  os::Random& random_;
  std::size_t most_;
  rt::Loop::TimerId timer_ = 0;
  std::map<std::string, Open> open_;
};

}  // namespace lockstep::cim
