// Target: one relationship's end that follows. Applies what comes, in order, as units; says what it has.
// Promises: the group (or its stand-in) is always the source at one position; acknowledged as received is in
// the journal file, as durable
//           survives a power cut; nothing that only it has is overwritten without a snapshot of it.
// Refuses:  a batch that does not begin at its position; blocks out of order outside of a pass; a pass
// without room for a stand-in. Lives on: the pool's loop. Files: target.cc (life), apply.cc,
// passing.cc, fill.cc, compare.cc, roles.cc.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/ends/gate.h"
#include "replica/ends/status.h"
#include "replica/ground.h"
#include "replica/model/history.h"
#include "replica/target/fetcher.h"
#include "replica/target/verify_answers.h"
#include "replica/wire/batch.h"
#include "replica/wire/channel.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Target {
 public:
  Target(const Ground& ground, pool::Pool& pool, Gates& gates, const Relationship& relationship, StatusSink sink);
  ~Target();

  rt::Task<Result<>> open();  // clears what an interrupted step left
  rt::Task<Result<>> close();

  // Serves a source until the connection ends; a newer connection ends an older one.
  rt::Task<Error> serve(std::unique_ptr<os::Stream> stream);
  void hang_up(Error why);
  void rest();                  // the source has stopped: that is no failure
  // Nothing will end a copy that is open: the state before it is back, where there was one.
  rt::Task<Result<>> fall_back();
  // A promotion is being prepared (or was given up): a source that comes by meanwhile must not take its role
  // back.
  void expect_promotion(bool expected) { promotion_expected_ = expected; }
  void set_intent(CopyState intent) { intent_ = intent; }

  [[nodiscard]] Status status() const;
  [[nodiscard]] pool::Pool& pool() { return pool_; }

  // Role changes; each ends the connection first and is durable before it returns.
  // Opens the group to hosts at its position (or its stand-in); what happens to it from here on is a
  // generation of its own.
  rt::Task<Result<Past>> promote();
  // The group follows again. Writes of its own since it left the source's history are kept as a snapshot.
  // `other`: the history that wins, where it is known.
  rt::Task<Result<Past>> yield(std::string keep_as, std::optional<Past> other);
  // The group belongs to nobody any more, as it is (or as its stand-in is).
  rt::Task<Result<>> release();

 private:
  // target.cc
  rt::Task<Result<>> listen(Channel& channel);
  rt::Task<Result<>> take(Channel& channel, Frame frame);
  rt::Task<Result<>> on_hello(Channel& channel, Frame frame);
  rt::Task<Result<>> on_stream_begin(Channel& channel, Frame frame);
  Result<> on_state(const Frame& frame);
  void changed();

  // apply.cc
  rt::Task<Result<>> on_batch(Channel& channel, Frame frame);
  rt::Task<void> acknowledge(Channel& channel);
  rt::Task<void> make_durable(Channel& channel);
  rt::Task<Result<>> settle();  // all that was applied is durable

  // passing.cc
  rt::Task<Result<>> on_pass_begin(Channel& channel, Frame frame);
  rt::Task<Result<>> on_pass_end(Channel& channel, Frame frame);
  rt::Task<Result<>> on_keep(Channel& channel, Frame frame);
  rt::Task<Result<>> tell_changes(Channel& channel, Origin common);
  [[nodiscard]] bool tells_changes(Origin common) const;
  rt::Task<Result<>> leave_pass();  // back to the stand-in
  rt::Task<Result<>> keep(std::string name);

  // target_fill.cc: hosts use the group while it is filled
  [[nodiscard]] bool filling() const;
  rt::Task<Result<>> begin_fill_pass(Channel& channel);
  rt::Task<Result<>> tell_held(Channel& channel, std::uint32_t member, Block from);
  rt::Task<Result<>> end_fill_pass(Channel& channel);

  // target_compare.cc
  rt::Task<Result<>> on_compare_begin(Channel& channel);
  rt::Task<Result<>> on_compare_end();
  rt::Task<Result<>> on_hashes(Channel& channel, Frame frame);
  rt::Task<Result<>> on_entries(Channel& channel, Frame frame);
  rt::Task<Result<>> on_reclaim(Channel& channel, Frame frame);

  [[nodiscard]] store::GroupRow row() const;  // a copy, to be changed and handed back
  [[nodiscard]] Error described(const Error& why) const;
  rt::Task<void> quiet();  // no connection is served any more

  const Ground& ground_;
  pool::Pool& pool_;
  Gates& gates_;
  rt::Loop& loop_;
  const RelationshipId id_;
  const std::string name_;
  const GroupId group_;
  const RelationshipId follower_;
  const RelationshipId surplus_;
  const SyncType type_;
  std::vector<VolumeId> members_;
  std::vector<VolumeUuid> member_uuids_;
  StatusSink sink_;

  Channel* channel_ = nullptr;
  bool serving_ = false;
  bool ending_ = false;
  bool promotion_expected_ = false;
  bool promoting_ = false;   // under way: nobody is served
  CopyState intent_ = CopyState::synchronized;
  rt::Signal idle_;
  rt::Signal progress_;  // applied, received or durable moved; or the connection ended

  // Of the connection.
  std::deque<std::pair<std::uint64_t, Lsn>> applied_;  // since the source last said what it has synced
  std::uint64_t applied_sequence_ = 0, received_sequence_ = 0, durable_sequence_ = 0;
  Lsn applied_lsn_;
  bool durable_now_ = false;  // the source asked
  bool ack_wanted_ = false;   // and waits for an answer, though there may be no news
  std::optional<SnapshotId> compared_;
  VerifyAnswers* verify_ = nullptr;
  Fetcher fetcher_;

  // Of the pass under way: everything before was applied (durable once settled).
  std::uint32_t cursor_member_ = 0;
  Block cursor_block_;
  bool fresh_ = false;  // nothing was ever written here

  Status status_;
  Bytes sent_before_, received_before_;
};

}  // namespace lockstep::replica
