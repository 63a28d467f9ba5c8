// Shipping: the pool's side of replication: a group's records out, in journal order; a peer's records in, as units.
#pragma once

#include <vector>

#include "pool/native/volume.h"

namespace lockstep::pool::native {

class Shipping {
 public:
  explicit Shipping(const Access& access) : access_(access), core_(access.core) {}

  rt::Task<Result<Stream>> stream(GroupId group, Lsn after, Bytes at_most);
  rt::Task<Result<Span>> data_of(const journal::Record& record, Buffer& scratch);
  rt::Task<Result<std::optional<Lsn>>> lsn_of(GroupId group, Origin origin);
  // Reads what the journal still has, so that times, origins and last records of groups are known as before the restart.
  rt::Task<Result<>> recall();
  rt::Task<Result<Lsn>> apply(GroupId group, std::vector<journal::Record> records);
  // A peer's record makes sense for this group: its volume, its length, its checksums.
  [[nodiscard]] Result<> check(const GroupState& group, const journal::Record& record) const;

 private:
  Result<> recall(const std::vector<journal::Record>& records);
  struct Unit {
    std::vector<journal::Record> records;
    std::vector<Writer::Placed> placed;   // of those that went to the data file first
    std::uint64_t blocks = 0;             // reserved for the others
    std::uint64_t cost = 0;
  };
  [[nodiscard]] Result<> check_rows(const GroupState& group, const journal::Record& record) const;
  [[nodiscard]] Result<> may_apply(const GroupState& group) const;
  rt::Task<Result<Lsn>> apply_in_turn(GroupState& group, std::vector<journal::Record> records);
  rt::Task<void> place_one(Span data, std::optional<Result<Writer::Placed>>& placed);
  rt::Task<Result<>> prepare(std::vector<journal::Record> records, Unit& unit);
  Result<Lsn> append(GroupState& group, Unit& unit);
  void give_up(Unit& unit);

  const Access& access_;
  Core& core_;
  bool direct_lately_ = false;   // what was read last began with a record whose data lie elsewhere
};

}  // namespace lockstep::pool::native
