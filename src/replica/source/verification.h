// Verification: one comparison of a relationship's ends at one position, led by the source, beside the stream.
// Promises: both snapshots are the same position: the source's stream is cut behind its own, and the target takes its own exactly
//           there; hosts wait for neither the comparison nor the reading.
// Refuses:  a target that is not where the stream says.
// Lives on: the source's pool's loop.   On the wire: docs/formats/wire.md.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/ground.h"
#include "replica/model/verify.h"
#include "replica/wire/asks.h"
#include "replica/wire/batch.h"
#include "replica/wire/channel.h"
#include "replica/wire/wire.pb.h"
#include "rt/rt.h"

namespace lockstep::replica {

// What the control loop sees and says of one that runs on a pool's loop.
struct VerifyWatch {
  std::atomic<std::uint64_t> done{0}, total{0};   // bytes
  std::atomic<bool> stop{false};
};

class Verification {
 public:
  Verification(const Ground& ground, pool::Pool& pool, RelationshipId id, GroupId group, std::vector<VolumeId> members, std::uint32_t run);
  ~Verification();

  // The stream's side. Before each piece: takes the snapshot, once. `lost`: it goes on without us.
  rt::Task<void> take_snapshot();
  // What lies behind the snapshot waits until the target was told.
  void cut(pool::Stream& piece) const;
  // Everything of the group up to `upto`, and nothing else, was sent; the target is at `at` then.
  rt::Task<Result<>> reached(Channel& channel, Lsn upto, Origin at);
  void answered(Frame frame);
  void end(Error why);

  // The comparison's side. `rewrites`: differences are sent again as ordinary records of the group.
  rt::Task<Result<VerifyReport>> run(Channel& channel, VerifyRequest request, bool rewrites, VerifyWatch& watch);
  [[nodiscard]] Lsn rewritten() const { return rewritten_; }   // the last of those records; 0: none

 private:
  struct Answer {
    wire::VerifyAnswer message;
    Buffer heads;
  };
  rt::Task<Result<Answer>> answer();
  rt::Task<Result<Answer>> ask(Channel& channel, std::uint32_t kind, std::uint32_t member, std::uint64_t leaf, std::uint32_t count);
  rt::Task<Result<>> compare(Channel& channel, std::uint32_t member);
  rt::Task<Result<>> compare_leaves(Channel& channel, std::uint32_t member, std::uint64_t leaf, std::uint32_t count);
  void differ(const LeafMask& mask);
  rt::Task<Result<>> read(Channel& channel, std::uint32_t member);
  void damaged(DamageReport damage);
  rt::Task<Result<>> rewrite();
  rt::Task<Result<>> drop_snapshot();
  [[nodiscard]] std::uint64_t leaves_of(std::uint32_t member) const;
  [[nodiscard]] Result<> goes_on() const;

  const Ground& ground_;
  pool::Pool& pool_;
  rt::Loop& loop_;
  const RelationshipId id_;
  const GroupId group_;
  const std::vector<VolumeId> members_;
  const std::uint32_t run_;

  rt::Task<void> take();
  bool asked_ = false;                       // take_snapshot() was called
  bool held_ = false;                        // the stream is in here
  bool told_ = false;                        // the target was
  std::optional<SnapshotId> snapshot_;
  Lsn lsn_;
  std::optional<Error> ended_;
  rt::Signal moved_;
  rt::Queue<Frame> answers_;
  VerifyWatch* watch_ = nullptr;
  VerifyReport report_;
  std::vector<LeafMask> masks_;
  Lsn rewritten_;
};

}  // namespace lockstep::replica
