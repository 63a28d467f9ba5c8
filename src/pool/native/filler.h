// Filler: blocks that come from another system into volumes that hosts use already. Which blocks are still there is written down nowhere:
// those that neither the overlay nor the map says anything of. What comes is appended only where that is so at that very instant, so that
// nothing a host wrote, discarded or zeroed is ever overwritten, however late it comes; and what a restart finds is exact.
#pragma once

#include <optional>
#include <vector>

#include "pool/native/shipping.h"

namespace lockstep::pool::native {

class Filler {
 public:
  Filler(const Access& access, const Shipping& shipping) : access_(access), shipping_(shipping), core_(access.core) {}

  // As Pool::begin_fill(), fill(), end_fill().
  rt::Task<Result<>> begin(GroupId group);
  rt::Task<Result<Lsn>> fill(GroupId group, std::vector<journal::Record> records);
  rt::Task<Result<>> end(GroupId group);

 private:
  struct Piece {   // blocks of one record, all of them remote when they were looked for
    std::size_t record = 0;
    std::uint64_t first = 0;                // in the record
    std::uint64_t count = 0;
    std::vector<bool> remote;               // ... and when it was looked again
    std::optional<Writer::Placed> placed;   // what went to the data file before
  };
  struct Unit {
    std::vector<journal::Record> records;
    std::vector<Piece> pieces;
    std::uint64_t reserved = 0;   // blocks, for what goes through the journal
    std::uint64_t cost = 0;
  };
  [[nodiscard]] Result<GroupState*> group_of(GroupId group) const;
  [[nodiscard]] Result<> check(const GroupState& group, const journal::Record& record) const;
  [[nodiscard]] bool untouched(VolumeId volume) const;
  rt::Task<Result<Lsn>> fill_in_turn(GroupId group, std::vector<journal::Record> records);
  rt::Task<Result<>> find_remote(Unit& unit);
  rt::Task<Result<>> prepare(Unit& unit);
  rt::Task<void> place_one(Span data, Piece& piece, Result<>& result);
  // Marks what is remote now, with nothing awaited. False, and the piece that it hangs on, when a leaf of the map must be loaded first.
  Result<bool> look_again(const GroupState& group, Unit& unit, std::size_t& piece);
  Result<> append(Unit& unit);
  Result<> append_run(Unit& unit, const Piece& piece, std::uint64_t from, std::uint64_t count);
  void give_back(Unit& unit);
  [[nodiscard]] store::View head_of(VolumeId volume) const { return {volume, core_.catalog.epoch}; }

  const Access& access_;
  const Shipping& shipping_;
  Core& core_;
};

}  // namespace lockstep::pool::native
