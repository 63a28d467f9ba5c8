// Connection: two ends and what flies between them. Private to os/sim.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/base.h"
#include "os/sim/life.h"
#include "os/sim/network.h"
#include "rt/rt.h"

namespace lockstep::os::sim {

struct EndPlace {
  Life& life;
  rt::Loop& loop;
  std::string name;   // as the other end sees it
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Network& network, EndPlace a, EndPlace b, bool is_unix);

  // What the stream of one side (0 or 1) may do.
  Result<std::size_t> send(int side, Span bytes);                       // how much; 0 when the window is full
  Result<std::optional<std::size_t>> take(int side, MutSpan into);
  void close(int side);
  void move_to(int side, rt::Loop& loop);
  [[nodiscard]] rt::Signal& readable(int side) { return *ends_[side].readable; }
  [[nodiscard]] rt::Signal& writable(int side) { return *ends_[side].writable; }
  [[nodiscard]] rt::Loop& loop(int side) { return ends_[side].readable->loop(); }
  [[nodiscard]] const std::string& name(int side) const { return ends_[side].name; }
  [[nodiscard]] Life& life(int side) const { return ends_[side].life; }
  [[nodiscard]] bool is_unix() const { return is_unix_; }

  // What the network does.
  void resume();                                 // what was held up tries again
  void break_both(const std::string& why);
  void go_silent() { silent_ = true; }
  void life_died(Life& life, bool silently);
  [[nodiscard]] bool over() const { return ends_[0].closed && ends_[1].closed; }

 private:
  struct Piece {
    enum class Kind : std::uint8_t { data, end, reset } kind;
    Buffer bytes;
    Instant arrives;
  };
  struct End {
    explicit End(EndPlace place)
        : life(place.life), name(std::move(place.name)) {
      readable.emplace(place.loop);
      writable.emplace(place.loop);
    }
    Life& life;
    std::string name;
    std::optional<rt::Signal> readable, writable;
    bool closed = false;                 // by its own side, or its life is over
    bool ended = false;                  // the other side's end has arrived
    std::optional<Error> broken;
    std::deque<Buffer> inbox;
    std::size_t front_read = 0;          // of the first piece in the inbox
    // What this end sends.
    std::deque<Piece> flying;
    std::uint64_t unread = 0;            // sent, and the other side's reading of it not yet known here
    std::uint64_t read_unknown = 0;      // of those, read by the other side
    bool telling = false;                // an event that tells of it is on its way
    Instant line_free{};
    Instant last_arrival{};
    std::optional<Instant> stuck_since;
  };
  [[nodiscard]] bool passes(int from) const;
  void fly(int from, Piece::Kind kind, Span bytes);
  void arrive(int from);
  void stuck(int from);
  void tell_read(int reader);
  void refuse(int from);
  void break_end(int side, Code code, const std::string& why);
  void wake(int side);

  Network& network_;
  std::uint64_t number_;
  bool is_unix_;
  bool silent_ = false;
  std::array<End, 2> ends_;
};

}  // namespace lockstep::os::sim
