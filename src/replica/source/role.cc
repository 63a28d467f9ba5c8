// Role: when a source gives up its group's role, takes it back, and has it again after records came from a target. While
// they come the group is a target for a moment: nobody else changes its role then.
#include "replica/group/ledger.h"
#include "replica/source/source.h"

namespace lockstep::replica {

// What was seen of the group is of a moment that is over soon: the next contact sees it as it is.
rt::Task<Result<>> Source::await_reclaims() {
  rt::Budget& turn = gate_->reclaims();
  co_await turn.take(1);
  turn.give(1);
  co_return Result<>{};
}

rt::Task<Result<bool>> Source::give_up_role(std::optional<Origin> seen) {
  rt::Budget& turn = gate_->reclaims();
  co_await turn.take(1);
  Result<> closed;
  const store::GroupRow* row = group_row(pool_, group_);
  const bool good = row != nullptr && row->role == store::Role::source && (!seen || *seen == past_of(pool_, group_).position);
  if (good) closed = co_await close_to_hosts();
  turn.give(1);
  if (!closed) co_return fail(closed.error());
  co_return good;
}

rt::Task<Result<>> Source::close_to_hosts() {
  store::GroupRow row = *group_row(pool_, group_);
  row.role = store::Role::demoted;
  row.following = id_;   // for whom: no other relationship undoes it
  co_return co_await pool_.change_group(std::move(row));
}

// Most of the way while hosts still write, so that they stand still only for the rest.
rt::Task<Result<Past>> Source::demote(Duration at_most, bool by_peer) {
  Result<> near = co_await catch_up(at_most);
  if (!near) co_return fail(near.error());
  if (is_next_hop()) co_return past_of(pool_, group_);  // no host writes here, and its own source goes on
  rt::Budget& turn = gate_->reclaims();
  co_await turn.take(1);
  handing_over_ = !by_peer;
  Result<> demoted = co_await close_to_hosts();
  turn.give(1);
  if (!demoted) co_return fail(demoted.error());
  Lsn last = pool_.status().received;
  Result<> drained = co_await wait_durable(last, at_most);
  if (!drained) {
    Result<> back = co_await take_back();
    if (!back)
      co_return fail(
          drained.error().in("and taking the role back failed too (" + back.error().message + ")"));
    co_return fail(drained.error());
  }
  co_return past_of(pool_, group_);
}

rt::Task<Result<>> Source::take_back() {
  handing_over_ = false;
  rt::Budget& turn = gate_->reclaims();
  co_await turn.take(1);
  Result<> opened;
  const store::GroupRow* found = group_row(pool_, group_);
  if (found != nullptr && found->role == store::Role::demoted && (found->following == id_ || found->following.is_none())) {
    store::GroupRow row = *found;
    row.role = store::Role::source;
    row.following = RelationshipId{};
    opened = co_await pool_.change_group(std::move(row));
  }
  turn.give(1);
  co_return opened;
}

// Whatever part came is a prefix of what was written: this history goes on from there.
rt::Task<Result<>> Source::serve_again(store::Role role, RelationshipId given_up_for) {
  Result<Generation> begun = co_await pool_.begin_generation(group_);
  if (!begun) co_return fail(begun.error());
  store::GroupRow row = *group_row(pool_, group_);
  row.role = role;
  row.following = given_up_for;
  co_return co_await pool_.change_group(std::move(row));
}

}  // namespace lockstep::replica
