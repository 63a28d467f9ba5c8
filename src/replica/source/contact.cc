// Contact: both ends say what they have; the plan follows.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/group/point.h"
#include "replica/source/source.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {

rt::Task<Result<Source::Contacted>> Source::contact(Channel& channel) {
  streaming_ = false;
  strayed_ = strayed_ || stop_at_.has_value();   // what comes of it may be a pass, which ends where it ends
  Result<> whole = co_await await_whole(channel);
  if (!whole) co_return fail(whole.error());
  members_ = volumes_of(pool_, members_here_);  // a revert gave them new numbers
  if (members_.size() != members_there_.size()) co_return fail(described({Code::not_found, "one of its volumes is gone"}));
  const store::GroupRow* row = group_row(pool_, group_);
  if (row == nullptr) co_return fail(described({Code::not_found, "its group is gone"}));
  Contacted out;
  out.here.past = past_of(pool_, group_);
  out.here.role = row->role;
  out.here.pass_open = pass_held();
  out.here.pass_compares = pass_ ? pass_->compared : find_internal(pool_, group_, purpose(compare_pass, id_)).has_value();

  wire::SourceHello hello;
  put(out.here.past, *hello.mutable_past());
  hello.set_role(static_cast<std::uint32_t>(out.here.role));
  put(settings_, *hello.mutable_settings());
  for (VolumeUuid member : members_there_) hello.add_members(bytes_of(member));
  if (out.here.pass_open) put(*out.here.pass_open, *hello.mutable_pass_open());
  put(way(), *hello.mutable_way());
  Result<> sent = co_await channel.send(FrameType::source_hello, hello);
  if (!sent) co_return fail(sent.error());
  Result<Frame> frame = co_await reply(FrameType::target_hello);
  if (!frame) co_return fail(frame.error());
  wire::TargetHello answer;
  Result<> parsed = parse(*frame, answer);
  if (!parsed) co_return fail(parsed.error());
  // It has made durable all that was sent before.
  unreceived_.clear();
  undurable_.clear();
  in_flight_ = Bytes{0};
  CO_TRY(out.there.past, past_from(answer.past()));
  CO_TRY(out.there.role, role_from(answer.role()));
  out.there.holds_nothing = answer.holds_nothing();
  out.there.fresh = answer.fresh();
  out.there.wrote_after_common = answer.wrote_after_common();
  out.there.tells_changes = answer.tells_changes();
  if (answer.has_pass_open()) out.there.pass_open = origin_from(answer.pass_open());
  out.fresh = answer.fresh();
  out.filling = answer.filling();
  unpacks_ = answer.unpacks();
  out.promoting = answer.promoting();
  out.cursor_member = answer.cursor_member();
  out.cursor_block = Block{answer.cursor_block()};
  status_.last_contact = ground_.host.clock().wall();

  // Where a promotion is still to come, the source brings what is lacking and leaves its role given up.
  bool wanted_back = !handing_over_ && !out.promoting;
  if (out.here.role == store::Role::demoted && out.there.role == store::Role::target && wanted_back) {
    // It gave up its role for a promotion that never came, or one that is still to come: the other end has
    // just said that none is.
    Result<> back = co_await take_back();
    if (!back) co_return fail(back.error());
    out.here.past = past_of(pool_, group_);
    row = group_row(pool_, group_);
    if (row != nullptr) out.here.role = row->role;
  }
  std::optional<Origin> common = last_common(out.here.past, out.there.past);
  if (common) {
    Origin at = *common;
    out.here.wrote_after_common = co_await wrote_after(pool_, group_, at);
    out.here.memory = co_await memory_after(at);
    out.here.map_covers = claims_all_after(at);
    if (compare_wanted_) {   // what was found to differ is in no journal
      out.here.memory = Memory::nothing;
      out.here.map_covers = false;
    }
  }
  out.plan = make_plan(out.here, out.there, answer.surplus_kept() && out.there.role == store::Role::target);
  co_return out;
}

Way Source::way() const {
  Way out = is_next_hop() ? gates_.way_to(group_) : Way();
  out.push_back({ground_.self.id, group_});
  return out;
}

// The local number of the group's record called `origin`: streaming goes on after it.
rt::Task<std::optional<Lsn>> Source::local_lsn(Origin origin) {
  if (origin == durable_position_ && !origin.generation.is_none()) co_return durable_;
  Result<std::optional<Lsn>> found = co_await pool_.lsn_of(group_, origin);
  if (found && *found) co_return **found;
  // The group's last record may have left the journal long ago; then there is nothing to be sent.
  if (origin == pool_.position(group_)) co_return pool_.status().received;
  co_return std::nullopt;
}

rt::Task<Memory> Source::memory_after(Origin common) {
  std::optional<Lsn> lsn = co_await local_lsn(common);
  const store::FollowerRow* row = follower_row(pool_, follower_);
  if (lsn && *lsn >= bracket_lsn_ && (row == nullptr || !row->mapped || *lsn >= row->mapped_upto)) {
    Bytes little{1};
    Lsn after = *lsn;
    Result<pool::Stream> peek = co_await pool_.stream(group_, after, little);
    if (peek) co_return Memory::journal;
  }
  co_return claims_all_after(common) ? Memory::map : Memory::nothing;
}

bool Source::claims_all_after(Origin common) const {
  const store::FollowerRow* row = follower_row(pool_, follower_);
  return row != nullptr && covers(pool_, *row, common);
}

// The position of a pass that was begun and whose snapshot is still here.
std::optional<Origin> Source::pass_held() const {
  if (pass_) return pass_->towards;
  if (auto point = is_point(type_) ? find_point(pool_, group_, id_) : std::nullopt)
    return pool_.catalog().snapshots.at(*point).origin;
  for (std::string_view kind : {full_pass, map_pass, compare_pass}) {
    auto snapshot = find_internal(pool_, group_, purpose(kind, id_));
    if (snapshot) return pool_.catalog().snapshots.at(*snapshot).origin;
  }
  return std::nullopt;
}

}  // namespace lockstep::replica
