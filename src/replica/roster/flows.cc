#include "replica/roster/flows.h"

#include <algorithm>

#include "replica/wire/pipe.h"

namespace lockstep::replica {
namespace {

constexpr Duration first_pause = std::chrono::milliseconds(100);
constexpr Duration longest_pause = std::chrono::seconds(2);

rt::Task<void> note_unreachable(Source& source, Error why) {
  source.unreachable(std::move(why));
  co_return;
}
rt::Task<void> rest_source(Source& source) {
  source.rest();
  co_return;
}
rt::Task<void> hang_up_source(Source& source, Error why) {
  source.hang_up(std::move(why));
  co_return;
}

// In failover the source keeps looking, so that both ends know of each other.
bool wanted(const Entry& entry) {
  return !entry.gone && !is_complete(entry.kept) &&
         (entry.kept.intent == CopyState::synchronized || entry.kept.intent == CopyState::failedover);
}

}  // namespace

void Flows::start(EntryRef entry) {
  if (scope_.stop().requested() || !entry->source.end || entry->flowing || !wanted(*entry)) return;
  entry->flow = std::make_shared<rt::Stop>();
  entry->flowing = true;
  scope_.spawn(run(entry, entry->flow));
}

rt::Task<void> Flows::stop(EntryRef entry, bool rest) {
  if (entry->flow) entry->flow->request();
  if (entry->source.end) {
    rt::Loop& loop = entry->source.pool->loop();
    Error why{Code::cancelled, "this end stopped the connection"};
    if (rest) {
      co_await rt::run_on(loop, rest_source(*entry->source.end));
    } else {
      co_await rt::run_on(loop, hang_up_source(*entry->source.end, std::move(why)));
    }
  }
  while (entry->flowing) co_await roster_.moved().wait();
}

rt::Task<void> Flows::stop_all() {
  scope_.stop().request();
  std::vector<EntryRef> all;
  for (const auto& [id, entry] : roster_.all()) all.push_back(entry);
  for (EntryRef& entry : all) co_await stop(entry, false);
  co_await scope_.stop_and_join();
}

rt::Task<void> Flows::run(EntryRef entry, std::shared_ptr<rt::Stop> stop) {
  Duration wait = first_pause;
  while (!stop->requested() && entry->source.end && wanted(*entry)) {
    Instant begun = ground_.control.clock().now();
    Error why = co_await once(entry);
    if (stop->requested()) break;
    // A connection that lived was good: the next one may come at once.
    if (ground_.control.clock().now() - begun > 2 * longest_pause) wait = first_pause;
    bool slept = co_await rt::sleep_for(ground_.control, wait, *stop);
    if (!slept) break;
    wait = std::min<Duration>(wait * 2, longest_pause);
  }
  entry->flowing = false;
  roster_.moved().wake_all();
}

rt::Task<Error> Flows::once(EntryRef entry) {
  Result<std::unique_ptr<os::Stream>> stream = co_await open(entry);
  if (!entry->source.end || entry->flow->requested()) co_return Error{Code::cancelled, "stopped"};
  rt::Loop& loop = entry->source.pool->loop();
  Source& source = *entry->source.end;
  if (!stream) {
    Error why = stream.error();
    co_await rt::run_on(loop, note_unreachable(source, why));
    co_return why;
  }
  std::unique_ptr<os::Stream> ready = std::move(*stream);
  ready->move_to(loop);
  co_return co_await rt::run_on(loop, source.serve(std::move(ready)));
}

rt::Task<Result<std::unique_ptr<os::Stream>>> Flows::open(EntryRef entry) {
  if (!entry->local(ground_.self.id)) {
    Result<std::unique_ptr<os::Stream>> stream = co_await peers_.open_data(entry->kept.peer, entry->kept.id);
    co_return stream;
  }
  if (!entry->target.end) co_await roster_.open_target(entry);
  if (!entry->target.end) co_return fail(Code::unreachable, "the target's pool is not open");
  if (!entry->source.end || entry->flow->requested()) co_return fail(Code::cancelled, "stopped");
  PipeEnds ends = make_pipe(entry->source.pool->loop(), entry->target.pool->loop());
  scope_.spawn(serve_local(entry, std::move(ends.second)));
  co_return std::move(ends.first);
}

rt::Task<void> Flows::serve_local(EntryRef entry, std::unique_ptr<os::Stream> stream) {
  if (!entry->target.end) co_return;
  rt::Loop& loop = entry->target.pool->loop();
  Error why = co_await rt::run_on(loop, entry->target.end->serve(std::move(stream)));
  ignore(why, "the source hears of it and connects again");
}

rt::Task<void> Flows::receive(EntryRef entry, std::unique_ptr<Channel> greeted) {
  if (!entry->target.end) {
    Error why{Code::busy, entry->kept.end == End::source
                              ? "this end is a source too: reverse or detach one of them"
                              : "the target's pool is not open on system '" + ground_.self.name + "'"};
    co_await greeted->refuse(std::move(why));
    co_return;
  }
  Result<std::unique_ptr<os::Stream>> stream = greeted->release();
  if (!stream) co_return;
  rt::Loop& loop = entry->target.pool->loop();
  (*stream)->move_to(loop);
  std::unique_ptr<os::Stream> ready = std::move(*stream);
  Error why = co_await rt::run_on(loop, entry->target.end->serve(std::move(ready)));
  ignore(why, "the source hears of it and connects again");
}

}  // namespace lockstep::replica
