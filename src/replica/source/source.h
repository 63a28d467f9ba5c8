// Source: one relationship's end that is written to. Ships the journal, brings a target back after an outage,
// says when writes may be answered. Promises: one connection at a time; acknowledgements move only forward; a
// resync pass ends at exactly one position of the group. Refuses:  shipping from a position that the history
// does not contain; letting go of journal or change map before the target is durable. Lives on: the pool's
// loop, all of it. Files: source.cc (life), contact.cc (plan), stream.cc, acks.cc, gating.cc, pacing.cc, next_hop.cc,
//           pairs.cc, passing.cc, point.cc, fill.cc, compare.cc, surplus.cc.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/ends/gate.h"
#include "replica/ends/pass.h"
#include "replica/ends/status.h"
#include "replica/ground.h"
#include "replica/model/plan.h"
#include "replica/source/pacer.h"
#include "replica/source/patience.h"
#include "replica/source/verification.h"
#include "replica/wire/batch.h"
#include "replica/wire/channel.h"
#include "replica/wire/packing.h"
#include "replica/wire/throttle.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Source final : public Claim {
 public:
  // `hold`: the group is not to be written before its target was heard of, or reachable_within has passed.
  Source(const Ground& ground, pool::Pool& pool, Gates& gates, const Relationship& relationship,
         StatusSink sink, bool hold);
  ~Source() override;

  // Takes its place in front of the group; makes sure that the journal is kept for it.
  rt::Task<Result<>> open();
  // Ends the connection and leaves. Journal and change map stay claimed unless `forget`.
  rt::Task<Result<>> close(bool forget);

  // Talks to the target until the connection ends; returns why. One call at a time.
  rt::Task<Error> serve(std::unique_ptr<os::Stream> stream);
  void hang_up(Error why);
  void unreachable(Error why);  // nobody could be connected to
  // The administrator's word: nothing is to flow (or to be waited for) until serve() is called again.
  void rest();

  rt::Task<Result<>> set(Settings settings);   // at once; the journal budget is durable when it returns
  [[nodiscard]] Status status() const;
  [[nodiscard]] pool::Pool& pool() { return pool_; }

  // Role changes. Each is durable before it returns.
  rt::Task<Result<>> catch_up(
      Duration at_most);  // the target is durable past everything written before the call
  // No more writes; the target has all of them. `by_peer`: the target's system leads, and says at every
  // contact whether it still means to.
  rt::Task<Result<Past>> demote(Duration at_most, bool by_peer);
  rt::Task<Result<>> take_back();           // undoes demote(): the target was not promoted
  // Closes the group to hosts; false, and nothing is done, where it serves none or is no longer at `seen`.
  rt::Task<Result<bool>> give_up_role(std::optional<Origin> seen = std::nullopt);
  // Point-in-time types: the instant that the target is to hold is now (the connection has ended before); or none is
  // wanted any more.
  rt::Task<Result<>> take_point();
  rt::Task<Result<>> drop_point();
  // Compares both ends at one position while data flow; one at a time.
  rt::Task<Result<VerifyReport>> verify_ends(VerifyRequest request, std::shared_ptr<VerifyWatch> watch);
  // The volumes leave `from` and are members of this group from one LSN on, at which the target stands when this returns; nothing
  // after it is sent until the end of this object. On failure they may be in either group.
  rt::Task<Result<>> take_in(GroupId from, std::vector<VolumeId> volumes, Duration at_most);
  // Whether the target may be past that LSN all the same, without what was written there to the volumes that came in.
  [[nodiscard]] bool strayed() const { return strayed_; }
  void unsure() { handing_over_ = false; }  // the target may have been promoted: the next contact tells

  // Claim
  [[nodiscard]] Lsn received_there() const override;
  [[nodiscard]] Lsn durable_there() const override;
  [[nodiscard]] std::optional<Error> refuses() const override;
  [[nodiscard]] Duration pace() const override;
  Duration hold() override;
  void want_durable(Lsn lsn) override;
  [[nodiscard]] Sibling as_sibling() const override { return {id_, name_, peer_group_, peer_, durable_position_}; }

 private:
  struct Sent {  // a batch under way
    std::uint64_t sequence = 0;
    Lsn upto;         // everything of the group up to here is in it or before it
    Origin position;  // of the target once it has it; none for blocks of a pass
    Bytes size;
    Instant at;
    std::uint32_t cursor_member = 0;  // of a pass: all blocks before are in it or before it
    Block cursor_block;
  };
  struct Load {  // a batch of a pass that is being filled
    Batch batch;
    std::vector<AlignedBytes> bytes;
    std::vector<Buffer> sums;
    std::uint64_t size = 0;
    PassRun last;
  };
  struct Contacted {
    SourceSide here;
    TargetSide there;
    Plan plan;
    bool promoting = false;
    bool fresh = false;
    bool filling = false;   // hosts use the target already
    std::uint32_t cursor_member = 0;
    Block cursor_block;
  };

  // source.cc
  rt::Task<void> read_frames(Channel& channel);
  rt::Task<void> beat(Channel& channel);
  rt::Task<void> ask_for_durable(Channel& channel);
  rt::Task<Result<Frame>> reply(FrameType wanted);
  rt::Task<Result<>> drive(Channel& channel);
  rt::Task<Result<>> act_on(Channel& channel, Contacted contacted);
  rt::Task<Result<>> idle(Channel& channel);  // connected, and nothing may flow
  void changed();
  void flow(CopyState state, Progress progress, std::string cause);
  [[nodiscard]] Error described(const Error& why) const;
  [[nodiscard]] bool stop_policy() const;

  // contact.cc
  rt::Task<Result<Contacted>> contact(Channel& channel);
  [[nodiscard]] Way way() const;
  rt::Task<Memory> memory_after(Origin common);
  [[nodiscard]] bool claims_all_after(Origin common) const;
  rt::Task<std::optional<Lsn>> local_lsn(Origin origin);
  [[nodiscard]] std::optional<Origin> pass_held() const;

  // stream.cc
  rt::Task<Result<>> stream(Channel& channel, Origin from);
  rt::Task<Result<>> begin_stream(Channel& channel, Origin from, Lsn lsn);
  rt::Task<Result<>> ship(Channel& channel, Lsn from, Origin at);
  rt::Task<Result<>> ship_piece(Channel& channel, pool::Stream piece, Origin& at);
  rt::Task<Result<>> send_batch(Channel& channel, Batch batch, Sent sent);
  rt::Task<Result<>> window(Channel& channel);  // until there is room in flight
  rt::Task<Result<std::uint64_t>> send_data_of(Channel& channel, Span heads, std::vector<Span> data);  // bytes on the wire
  rt::Task<void> keep_limit(std::uint64_t bytes, Channel& channel);
  [[nodiscard]] Bytes limit() const;  // now, bytes a second; 0: none
  [[nodiscard]] Bytes batch_size() const;
  [[nodiscard]] std::optional<std::uint16_t> member_of(VolumeId volume) const;

  // acks.cc
  Result<> on_ack(const Frame& frame);
  [[nodiscard]] Bytes backlog() const;
  void lost(const Error& why);
  rt::Task<Result<>> wait_durable(Lsn lsn, Duration at_most);

  // gating.cc
  void judge();  // what the acknowledgements mean for answers and state
  [[nodiscard]] bool wants_gate() const;
  [[nodiscard]] bool behind() const;
  void gate_on();
  void gate_off(std::string cause);
  rt::Task<void> note_arrivals(Channel& channel);
  void arm_bound();
  void bound_reached();
  [[nodiscard]] bool probes();
  void note_answers();

  // next_hop.cc
  [[nodiscard]] bool is_next_hop() const;
  [[nodiscard]] bool between_states() const;
  rt::Task<Result<>> await_whole(Channel& channel);
  rt::Task<Result<>> await_move(Channel& channel);
  [[nodiscard]] bool was_member(VolumeId volume) const;
  [[nodiscard]] bool cut_short(pool::Stream& piece);

  // pairs.cc
  void hold_back(pool::Stream& piece) const;

  // pacing.cc
  rt::Task<void> pace_hosts(Channel& channel);

  // passing.cc
  rt::Task<Result<>> pass(Channel& channel, const Contacted& contacted);
  rt::Task<Result<>> begin_pass(const Contacted& contacted);
  rt::Task<Result<>> open_pass(Channel& channel, const Contacted& contacted);
  rt::Task<Result<>> send_pass(Channel& channel);
  rt::Task<Result<>> read_map();
  rt::Task<Result<Bytes>> size_of_pass();
  rt::Task<Result<>> send_run(Channel& channel, PassRun run);
  rt::Task<Result<std::vector<LeafMask>>> masks_of_target();
  rt::Task<Result<>> send_lacking(Channel& channel, pool::VolumeRef view, PassRun run);
  rt::Task<Result<>> send_part(Channel& channel, pool::VolumeRef view, PassRun run);
  rt::Task<Result<>> send_zero(Channel& channel, PassRun run);
  rt::Task<Result<>> send_data(Channel& channel, pool::VolumeRef view, PassRun run);
  rt::Task<Result<>> send_set(Channel& channel);
  rt::Task<Result<>> load(Channel& channel, journal::Record record, PassRun run);
  rt::Task<Result<>> unload(Channel& channel);
  rt::Task<Result<>> end_pass(Channel& channel);
  void outrun();     // a pass begins; the one before, if there was one, did not suffice
  void caught_up();

  // point.cc
  rt::Task<Result<>> act_on_point(Channel& channel, Contacted contacted);
  rt::Task<Result<>> drop_pass_snapshot(SnapshotId snapshot);
  [[nodiscard]] Bytes journal_budget() const;

  // fill.cc
  rt::Task<Result<>> fill_target(Channel& channel, Contacted contacted);
  rt::Task<void> answer_fetches(Channel& channel);
  rt::Task<Result<>> answer_fetch(Channel& channel, Frame frame);
  rt::Task<Result<>> read_wanted(std::uint32_t member, Block block, std::uint64_t count, Load& into);

  // source_damage.cc
  rt::Task<Result<>> pass_over_journal(Error why);
  rt::Task<void> renew_pass(PassRun run);

  // source_verify.cc
  rt::Task<Result<VerifyReport>> compare_ends(VerifyRequest request, VerifyWatch& watch);
  rt::Task<Result<>> ship_to_verify(Channel& channel, Lsn upto, Origin at);
  rt::Task<Result<>> bring_level(Lsn written, bool rewrites, VerifyReport& report);
  rt::Task<void> leave_verification(Error why);

  // compare.cc
  rt::Task<Result<>> compare(Channel& channel);
  rt::Task<Result<>> compare_member(Channel& channel, std::uint32_t member);
  rt::Task<Result<>> compare_leaves(Channel& channel, std::uint32_t member, std::uint64_t leaf, std::uint32_t count);

  // role.cc: while records come from a target, the group is one itself for a moment; nobody else changes its role then
  rt::Task<Result<>> serve_again(store::Role role, RelationshipId given_up_for);
  rt::Task<Result<>> await_reclaims();
  rt::Task<Result<>> close_to_hosts();

  // surplus.cc: what only the target has
  rt::Task<Result<>> reclaim_in_turn(Channel& channel, Origin after, Origin seen);
  rt::Task<Result<>> reclaim(Channel& channel, Origin after);
  rt::Task<Result<>> fetch_back(Channel& channel, Origin after);
  rt::Task<Result<>> have_it_kept(Channel& channel);

  const Ground& ground_;
  pool::Pool& pool_;
  Gates& gates_;
  rt::Loop& loop_;
  const RelationshipId id_;
  const std::string name_;
  const GroupId group_;
  const RelationshipId follower_;
  const SyncType type_;
  const SystemId peer_;
  const std::string peer_group_;
  std::vector<VolumeId> members_;  // in the order both ends agreed on
  std::vector<VolumeUuid> members_here_, members_there_;
  Settings settings_;
  bool was_synchronized_ = false;
  StatusSink sink_;
  Gate* gate_ = nullptr;

  std::optional<Instant> hold_until_;  // none: hosts were let in, or nothing can come back
  bool reclaiming_ = false;            // what was lost is coming back
  bool resting_ = false;
  bool handing_over_ = false;  // gave up its role for a promotion that is led from here
  Channel* channel_ = nullptr;
  std::unique_ptr<rt::Queue<Frame>> replies_;
  std::unique_ptr<rt::Queue<Frame>> fetches_;   // that a target which is being filled asks for
  unsigned fetching_ = 0;
  Verification* verification_ = nullptr;  // while it uses the connection
  bool verifying_ = false;
  std::uint32_t verify_runs_ = 0;
  bool damaged_record_ = false;           // what the stream came upon
  std::optional<PassRun> damaged_run_;    // what a pass came upon
  bool compare_wanted_ = false;           // the next contact is to compare
  rt::Signal moved_;  // acknowledgements moved, or the connection ended
  rt::Signal wanted_;
  rt::Signal tuned_;  // settings, gate or stream changed
  bool serving_ = false;

  // Of the connection.
  std::uint64_t sequence_ = 0;
  std::deque<Sent> unreceived_, undurable_;
  std::deque<std::pair<std::uint64_t, Lsn>> unsynced_;  // sent, and not yet known to survive a power cut here
  std::uint64_t synced_sequence_ = 0;
  std::uint64_t received_sequence_ = 0, durable_sequence_ = 0;
  Bytes in_flight_;
  Lsn sent_upto_;
  bool streaming_ = false;
  Lsn catch_up_;  // Synchronized once the target is durable past it
  std::optional<Lsn> stop_at_;   // nothing after it is sent: the target is to stand exactly there
  bool strayed_ = false;
  Lsn want_durable_, asked_durable_;
  struct Probe {
    Instant at;
    std::uint64_t sequence;  // to be durable
  };
  std::optional<Probe> probe_;  // Adaptive: asked, not answered yet
  WallTime shipped_time_;       // of the last record that was shipped
  std::vector<Generation> told_;  // the generations that the target knows of
  Pacer pacer_;

  // Of the relationship's life in this process.
  Lsn received_, durable_;   // there; local numbers
  Origin durable_position_;  // what durable_ is called outside
  bool gated_ = false;       // answers wait for the target
  Patience patience_{Duration{0}};
  rt::Loop::TimerId bound_timer_ = 0;
  Lsn floor_;                // what had been answered when the gate closed
  Lsn bracket_lsn_;          // records up to here cannot be streamed: a resync's, or from before a revert
  std::optional<Pass> pass_;
  Bytes written_in_pass_;    // by hosts during the last one, if it was short; 0 once the target was level
  Load load_;
  Status status_;
  Throttle throttle_;
  PackingLuck luck_;
  bool unpacks_ = false;  // the target takes packed data
  std::deque<std::pair<Instant, std::uint64_t>> recent_;  // bytes shipped lately
  Bytes sent_before_, received_before_;                   // by earlier connections
};

}  // namespace lockstep::replica
