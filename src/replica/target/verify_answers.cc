#include "replica/target/verify_answers.h"

#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/group/scrub.h"
#include "replica/wire/asks.h"
#include "replica/wire/convert.h"
#include "replica/wire/leaves.h"

namespace lockstep::replica {

VerifyAnswers::VerifyAnswers(const Ground& ground, pool::Pool& pool, RelationshipId id, GroupId group, std::vector<VolumeId> members)
    : ground_(ground), pool_(pool), id_(id), group_(group), members_(std::move(members)), asked_(pool.loop(), 8) {}

rt::Task<Result<>> VerifyAnswers::begin(Frame frame) {
  wire::VerifyBegin begin;
  CO_TRY_VOID(parse(frame, begin));
  co_await drop();   // of one that was given up
  Result<SnapshotId> taken = co_await take(origin_from(begin.position()));
  point_ = Point{begin.run(), std::move(taken)};
  co_return wanted(std::move(frame));
}

rt::Task<Result<SnapshotId>> VerifyAnswers::take(Origin position) {
  const store::GroupRow* row = group_row(pool_, group_);
  if (row == nullptr) co_return fail(Code::not_found, "the group is gone");
  if (row->resync || row->position != position)
    co_return fail(Code::changed, "this end is at " + text_of(row->position) + ", not at " + text_of(position));
  std::string label = "verify-" + text_of(id_).substr(0, 8) + "-" + std::to_string(ground_.host.clock().wall().us);
  std::string held = purpose("verify", id_);
  Result<SnapshotId> taken = co_await pool_.snapshot(group_, std::move(label), std::move(held));
  if (!taken) co_return fail(taken.error().in("verify: the target's snapshot"));
  if (pool_.catalog().snapshots.at(*taken).origin != position) co_return fail(Code::changed, "this end moved on while it took its snapshot");
  co_return taken;
}

rt::Task<void> VerifyAnswers::drop() {
  point_.reset();
  std::string held = purpose("verify", id_);
  Result<> dropped = co_await drop_internal(pool_, group_, std::move(held), SnapshotId{});
  ignore(dropped, "opening the relationship again removes it");
}

Result<> VerifyAnswers::wanted(Frame frame) {
  bool taken = asked_.try_push(std::move(frame));
  if (!taken) return fail(Code::corrupt, "a verification asks without waiting for answers");
  return {};
}

rt::Task<void> VerifyAnswers::serve(Channel& channel) {
  for (;;) {
    std::optional<Frame> frame = co_await asked_.pop();
    if (!frame || channel.closed()) break;
    Result<> done = co_await answer(channel, *frame);
    if (!done) channel.close(done.error());
  }
  if (point_) co_await drop();
}

rt::Task<Result<>> VerifyAnswers::answer(Channel& channel, const Frame& frame) {
  wire::VerifyAnswer message;
  Result<Buffer> heads = Buffer{};
  if (frame.type == FrameType::verify_begin) {
    wire::VerifyBegin begin;
    CO_TRY_VOID(parse(frame, begin));
    message.set_run(begin.run());
    Result<> ready = co_await answer_begin(begin.run());
    if (!ready) heads = fail(ready.error());
  } else if (frame.type == FrameType::verify_wanted) {
    wire::VerifyWanted wanted;
    CO_TRY_VOID(parse(frame, wanted));
    message.set_run(wanted.run());
    heads = co_await answer_wanted(wanted, message);
  } else {
    wire::VerifyEnd end;
    CO_TRY_VOID(parse(frame, end));
    if (point_ && point_->run == end.run()) co_await drop();
    co_return Result<>{};
  }
  // What cannot be answered ends the verification, not the connection.
  if (!heads) put(heads.error(), *message.mutable_failure());
  std::string packed = message.SerializeAsString();
  Buffer none;
  co_return co_await channel.send(FrameType::verify_answer, as_span(packed), heads ? *heads : none, {});
}

rt::Task<Result<>> VerifyAnswers::answer_begin(std::uint32_t run) {
  if (!point_ || point_->run != run) co_return fail(Code::changed, "another verification took its place");
  if (!point_->snapshot) co_return fail(point_->snapshot.error());
  co_return co_await pool_.checkpoint();   // the map holds all of it
}

rt::Task<Result<Buffer>> VerifyAnswers::answer_wanted(const wire::VerifyWanted& wanted, wire::VerifyAnswer& into) {
  bool here = point_ && point_->run == wanted.run() && point_->snapshot.has_value();
  if (!here || wanted.member() >= members_.size()) co_return fail(Code::changed, "the other end asks about nothing that is compared here");
  const SnapshotId snapshot = *point_->snapshot;   // a later run may take the place of this one meanwhile
  const std::uint32_t member = wanted.member();
  const std::uint64_t leaf = wanted.leaf();
  const std::uint32_t count = wanted.count();
  switch (static_cast<VerifyAsk>(wanted.kind())) {
    case VerifyAsk::hashes:
      if (count <= verify_hashes_most) co_return co_await hashes(snapshot, member, leaf, count);
      break;
    case VerifyAsk::entries:
      if (count <= leaves_most) co_return co_await encoded_leaves(pool_, snapshot, member, leaf, count);
      break;
    case VerifyAsk::read: {
      if (count > verify_read_most || leaf > (1ULL << 40)) break;
      CO_TRY_VOID(co_await read(wanted, into));
      co_return Buffer{};
    }
  }
  co_return fail(Code::unsupported, "the other end asks for something that this system does not know, or for too much of it");
}

rt::Task<Result<Buffer>> VerifyAnswers::hashes(SnapshotId snapshot, std::uint32_t member, std::uint64_t leaf, std::uint32_t count) {
  auto found = co_await pool_.leaf_hashes(snapshot, member, leaf, count);
  if (!found) co_return fail(found.error());
  co_return encode_hashes(*found);
}

rt::Task<Result<>> VerifyAnswers::read(const wire::VerifyWanted& wanted, wire::VerifyAnswer& into) {
  std::uint64_t before = 0;
  ignore(damages_of(pool_, members_, before), "only what is met from here on counts");
  CO_TRY(Bytes done, co_await scrub(pool_, members_[wanted.member()], Block{wanted.leaf() * store::leaf_blocks}, wanted.count() * store::leaf_blocks));
  into.set_read(done.value);
  for (const pool::Damage& damage : damages_of(pool_, members_, before)) {
    wire::Damage* told = into.add_damages();
    auto member = std::find(members_.begin(), members_.end(), damage.volume) - members_.begin();
    told->set_member(static_cast<std::uint32_t>(member));
    told->set_block(damage.block.value);
    told->set_where(damage.where);
    told->set_what(damage.what);
    told->set_repaired(damage.repaired);
  }
  co_return Result<>{};
}

}  // namespace lockstep::replica
