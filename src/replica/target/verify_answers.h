// VerifyAnswers: a target's part in a verification: a snapshot exactly where the source says, then answers about it.
// Promises: the stream waits for the snapshot and for nothing else: requests are answered beside it, one after the other.
// Refuses:  a position that it is not at; requests about nothing that is compared.
// Lives on: the target's pool's loop; as long as one connection.
#pragma once

#include <optional>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/ground.h"
#include "replica/wire/channel.h"
#include "replica/wire/wire.pb.h"
#include "rt/rt.h"

namespace lockstep::replica {

class VerifyAnswers {
 public:
  VerifyAnswers(const Ground& ground, pool::Pool& pool, RelationshipId id, GroupId group, std::vector<VolumeId> members);

  // In the stream's place: what came before is applied, what comes after is not.
  rt::Task<Result<>> begin(Frame frame);
  Result<> wanted(Frame frame);     // verify_wanted, verify_end
  // Until close(). Leaves no snapshot behind.
  rt::Task<void> serve(Channel& channel);
  void close() { asked_.close(); }

 private:
  rt::Task<Result<>> answer(Channel& channel, const Frame& frame);
  rt::Task<Result<>> answer_begin(std::uint32_t run);
  rt::Task<Result<Buffer>> answer_wanted(const wire::VerifyWanted& wanted, wire::VerifyAnswer& into);
  rt::Task<Result<Buffer>> hashes(SnapshotId snapshot, std::uint32_t member, std::uint64_t leaf, std::uint32_t count);
  rt::Task<Result<>> read(const wire::VerifyWanted& wanted, wire::VerifyAnswer& into);
  rt::Task<Result<SnapshotId>> take(Origin position);
  rt::Task<void> drop();

  struct Point {
    std::uint32_t run = 0;
    Result<SnapshotId> snapshot;
  };
  const Ground& ground_;
  pool::Pool& pool_;
  const RelationshipId id_;
  const GroupId group_;
  const std::vector<VolumeId> members_;
  rt::Queue<Frame> asked_;
  std::optional<Point> point_;       // the last one begun
};

}  // namespace lockstep::replica
