// Verification, as the engine is asked for it: led by the source's end, watched from the control loop.
#include "replica/engine/engine.h"

namespace lockstep::replica {
namespace {

constexpr Duration look_every = std::chrono::milliseconds(200);

rt::Task<Result<VerifyReport>> verify_at(Source& source, VerifyRequest request, std::shared_ptr<VerifyWatch> watch) {
  return source.verify_ends(request, std::move(watch));
}

}  // namespace

// What happens on the pool's loop, for whoever waits here; and the other way round, that he waits no more.
rt::Task<void> MirrorEngine::watch_verification(std::shared_ptr<VerifyWatch> watch, Watcher& watcher, rt::Stop& over) {
  for (bool goes_on = true; goes_on;) {
    watcher.progress(Bytes{watch->done}, Bytes{watch->total});
    if (watcher.stop().requested() || scope_.stop().requested()) watch->stop = true;
    goes_on = co_await rt::sleep_for(ground_.control, look_every, over);
  }
  watcher.progress(Bytes{watch->done}, Bytes{watch->total});
}

rt::Task<Result<VerifyReport>> MirrorEngine::verify(RelationshipId id, VerifyRequest request, Watcher& watcher) {
  CO_TRY(EntryRef entry, known(id));
  const std::string who = "relationship '" + entry->kept.name + "'";
  if (entry->near)
    co_return fail(Code::unsupported, who + ": both ends are one volume's history in one pool; there is nothing to compare");
  if (!entry->local(ground_.self.id) && entry->kept.end == End::target)
    co_return fail(Code::unsupported, who + ": verify it on system '" + peers_.name_of(entry->kept.peer) + "', where its source is");
  if (!entry->source.end)
    co_return fail(Code::unreachable, who + ": " + (entry->trouble ? entry->trouble->message : "the source's pool is not open"));
  auto watch = std::make_shared<VerifyWatch>();   // shared: two loops look at it
  rt::Stop over;
  rt::Scope watching(ground_.control);
  watching.spawn(watch_verification(watch, watcher, over));
  rt::Loop& loop = entry->source.pool->loop();
  Result<VerifyReport> report = co_await rt::run_on(loop, verify_at(*entry->source.end, request, watch));
  over.request();
  co_await watching.join();
  Change change;
  change.relationship = id;
  change.what = "Verify";
  if (!report) {
    change.after = "failed";
    change.cause = report.error().message;
    observer_.changed(change);
    co_return fail(report.error());
  }
  change.before = entry->verified ? entry->verified->equal() ? "equal" : "different" : "";
  change.after = report->equal() ? "equal" : "different";
  change.cause = text_of(*report);
  for (const std::string& finding : findings(*report)) {
    if (change.cause.size() + finding.size() > 1000) break;
    change.cause += "; " + finding;
  }
  entry->verified = std::make_shared<const VerifyReport>(*report);
  observer_.changed(change);
  co_return report;
}

}  // namespace lockstep::replica
