// Verification at the source: the stream's part of it, and what is done about differences.
#include "replica/group/ledger.h"
#include "replica/source/source.h"

namespace lockstep::replica {
namespace {

constexpr Duration rewrite_most = std::chrono::minutes(10);

}  // namespace

rt::Task<Result<VerifyReport>> Source::verify_ends(VerifyRequest request, std::shared_ptr<VerifyWatch> watch) {
  if (is_point(type_))
    co_return fail(described({Code::unsupported, "a " + std::string(name_of(type_)) + " is not compared with its source, which goes on without it; a Mirror is"}));
  if (verifying_) co_return fail(described({Code::busy, "a verification is running; wait for it to end or cancel it"}));
  bool flows = streaming_ && channel_ != nullptr && !channel_->closed();
  if (!flows)
    co_return fail(described({Code::busy, "nothing flows now (it is " + std::string(name_of(status_.flow)) + "), so both ends are at no common position; verify when it is Synchronized"}));
  verifying_ = true;   // close() waits for us
  Result<VerifyReport> report = co_await compare_ends(request, *watch);
  verifying_ = false;
  moved_.wake_all();
  if (!report) co_return fail(described(report.error()));
  co_return report;
}

rt::Task<Result<VerifyReport>> Source::compare_ends(VerifyRequest request, VerifyWatch& watch) {
  Channel& channel = *channel_;   // serve() stays until verification_ is gone
  Verification verification(ground_, pool_, id_, group_, members_, ++verify_runs_);
  verification_ = &verification;
  pool_.arrived().wake_all();
  const store::GroupRow* row = group_row(pool_, group_);
  bool rewrites = row != nullptr && row->role == store::Role::source;
  Result<VerifyReport> report = co_await verification.run(channel, request, rewrites, watch);
  verification_ = nullptr;
  moved_.wake_all();
  if (report && request.repair && report->different > 0) {
    Result<> repaired = co_await bring_level(verification.rewritten(), rewrites, *report);
    if (!repaired) report->not_repaired = repaired.error().message;
  }
  co_return report;
}

// What was written anew has reached the target; where nothing can be written here, a pass brings it what differs.
rt::Task<Result<>> Source::bring_level(Lsn written, bool rewrites, VerifyReport& report) {
  if (rewrites) {
    if (written.value == 0) co_return Result<>{};
    co_return co_await wait_durable(written, rewrite_most);
  }
  compare_wanted_ = true;
  Error why{Code::cancelled, "what differs is sent again"};
  hang_up(why);
  Instant end = loop_.clock().now() + rewrite_most;
  Instant heard = loop_.clock().now();   // of a connection
  while (compare_wanted_) {
    Instant now = loop_.clock().now();
    if (channel_ != nullptr && !channel_->closed()) heard = now;
    if (now - heard >= ground_.options.reachable_within || now >= end)
      co_return fail(Code::timeout, "what differs is sent again as soon as the target is there");
    rt::Loop::TimerId timer = loop_.at(now + ground_.options.heartbeat, [this] { moved_.wake_all(); });
    co_await moved_.wait();
    loop_.cancel(timer);
  }
  report.repaired = report.different;
  co_return Result<>{};
}

rt::Task<Result<>> Source::ship_to_verify(Channel& channel, Lsn upto, Origin at) {
  if (verification_ == nullptr) co_return Result<>{};
  co_await verification_->take_snapshot();
  if (verification_ == nullptr) co_return Result<>{};
  co_return co_await verification_->reached(channel, upto, at);
}

// The connection has ended: whoever compares through it comes to an end too.
rt::Task<void> Source::leave_verification(Error why) {
  if (verification_ != nullptr) verification_->end(why);
  while (verification_ != nullptr) co_await moved_.wait();
}

}  // namespace lockstep::replica
