// History: what initiators sent, and what they were answered. Judges what is found on volumes after a fault.
// Every write carries a number, which fills its blocks. Never two writes in flight on one block, so a block's numbers are ordered.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"

namespace lockstep::sim {

inline constexpr std::uint64_t never = 0;

struct Spot {
  std::size_t volume = 0;
  std::uint64_t block = 0;
  constexpr auto operator<=>(const Spot&) const = default;
};

// (volume, block) -> number read there; 0 for zeroes.
using Found = std::map<Spot, std::uint64_t>;

class History {
 public:
  // One write over `count` blocks. Ticks order submissions and answers.
  std::uint64_t submit(Spot at, std::uint64_t count);
  void appended(std::uint64_t number, Lsn lsn);
  void answered(std::uint64_t number);
  std::uint64_t flush_begins() { return ++tick_; }
  void flush_answered(std::uint64_t begun);

  // What happens on an end that parts from here, from `found` on. No number is given out twice, here or there.
  [[nodiscard]] History forked(const Found& found) const;
  // The instant: everything that happened before has a smaller tick.
  [[nodiscard]] std::uint64_t now() { return ++tick_; }

  // Each names what is wrong, or nothing.
  [[nodiscard]] std::optional<std::string> lost_answered(const Found& found) const;   // promises 1 and 3: every answered write is there
  [[nodiscard]] std::optional<std::string> lost_flushed(const Found& found) const;    // promise 2: what a flush covered is there
  [[nodiscard]] std::optional<std::string> not_a_prefix(const Found& found) const;    // promises 2 and 4: a prefix across volumes

  // Of a state that was taken between two instants: what was answered before the first is there, nothing that was submitted after the second.
  [[nodiscard]] std::optional<std::string> not_of_then(const Found& found, std::uint64_t first, std::uint64_t second) const;

  // What was found is the beginning of a new stretch: everything that is not there never happened.
  void rebase(const Found& found);

  [[nodiscard]] std::uint64_t writes() const { return *next_ - 1; }
  [[nodiscard]] std::uint64_t answers() const { return answers_; }

 private:
  struct Write {
    Spot at;
    std::uint64_t count = 0;
    std::uint64_t submitted = never, answered = never;   // ticks
    std::optional<Lsn> lsn;
  };
  [[nodiscard]] std::optional<std::string> lost(const Found& found, std::uint64_t answered_before, const char* promise) const;
  [[nodiscard]] std::optional<std::string> invented(const Found& found) const;
  [[nodiscard]] std::string describe(std::uint64_t number) const;

  std::map<std::uint64_t, Write> writes_;
  std::shared_ptr<std::uint64_t> next_ = std::make_shared<std::uint64_t>(1);   // of all that were forked from one
  std::uint64_t tick_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t covered_ = never;   // answers before this tick are covered by an answered flush
};

// The bytes of a block that carries `number`, and back. nullopt: neither a whole numbered block nor zeroes.
void fill_block(std::uint64_t number, MutSpan block);
[[nodiscard]] std::optional<std::uint64_t> number_in(Span block);

}  // namespace lockstep::sim
