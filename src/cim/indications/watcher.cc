#include "cim/indications/watcher.h"

#include <utility>

namespace lockstep::cim {

Watcher::Watcher(os::Host& host, rt::Loop& loop, manage::System& system, Provider& provider, Subscriptions& subscriptions, const Options& options)
    : loop_(loop), system_(system), provider_(provider), subscriptions_(subscriptions), options_(options),
      delivery_(host, loop, system.self().name, options.listener_ca_pem, Delivery::Limits{options.queued_indications_most, options.delivery_attempts, options.delivery_interval},
                [this](std::string subscription) { return failed(std::move(subscription)); }),
      scope_(loop) {}

rt::Task<void> Watcher::stop() {
  scope_.stop().request();
  subscriptions_.changed().wake_all();
  co_await scope_.join();
  co_await delivery_.stop();
}

rt::Task<void> Watcher::run() {
  std::uint64_t after = system_.last_event();
  while (!scope_.stop().requested()) {
    co_await subscriptions_.drop_expired();
    std::vector<Active> active = subscriptions_.active();
    if (active.empty()) {
      looked_ = false;
      seen_.clear();
      if (scope_.stop().requested()) break;
      co_await subscriptions_.changed().wait();
      continue;
    }
    co_await compare(std::move(active));
    if (scope_.stop().requested()) break;
    std::vector<manage::Event> events = co_await system_.wait_events(after, options_.compare_every);
    after = events.empty() ? system_.last_event() : events.back().number;
    bool slept = co_await rt::sleep_for(loop_, options_.settle, scope_.stop());
    if (!slept) break;
  }
}

rt::Task<void> Watcher::compare(std::vector<Active> active) {
  std::set<const Class*> watched;
  for (const Active& one : active) watched.merge(watched_by(*one.query));
  if (watched.empty()) co_return;
  Look look = co_await provider_.look();
  Seen now = see(*look, watched);
  Faults faults = faults_in(system_.relationships());
  // Classes that nobody asked about before have no past: what is there of them is not news.
  if (!looked_ || watched != watched_) {
    Seen before = std::exchange(seen_, {});
    for (const auto& [key, instance] : now) {
      const Class* cls = find_class(instance->class_name);
      if (!looked_ || !watched_.contains(cls)) seen_.insert_or_assign(key, instance);
      else if (auto was = before.find(key); was != before.end()) seen_.insert_or_assign(key, was->second);
    }
    if (looked_)
      for (const auto& [key, instance] : before)
        if (watched.contains(find_class(instance->class_name))) seen_.emplace(key, instance);
  }
  if (!looked_) faults_ = faults;
  Moment moment{loop_.clock().wall(), system_.self().name, {}};
  look->instances("MSFT_SMSystem", [&](Instance system) {
    const NamedValue* id = system.find("ObjectId");
    const Scalar* scalar = id ? id->value.scalar() : nullptr;
    if (scalar && std::holds_alternative<std::string>(*scalar)) moment.system_object_id = std::get<std::string>(*scalar);
    return false;
  });
  for (const Change& change : changes(seen_, now))
    for (const Instance& indication : indications_of(change, moment)) tell(active, indication);
  for (const Instance& event : fault_events(faults_, faults, now, moment)) tell(active, event);
  watched_ = std::move(watched);
  seen_ = std::move(now);
  faults_ = std::move(faults);
  looked_ = true;
}

void Watcher::tell(const std::vector<Active>& active, const Instance& indication) {
  for (const Active& one : active) {
    if (!matches(*one.query, indication)) continue;
    Instance shown = indication;
    if (!one.query->all)
      std::erase_if(shown.properties, [&](const NamedValue& property) {
        for (const std::string& column : one.query->columns)
          if (same_name(column, property.name)) return false;
        return true;
      });
    delivery_.queue(one, std::move(shown));
  }
}

}  // namespace lockstep::cim
