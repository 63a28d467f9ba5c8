// RPO action `pace`: hosts are slowed just enough, while the link is up.
#include "replica/source/source.h"

namespace lockstep::replica {

Duration Source::pace() const {
  if (!pacer_.active()) return Duration{0};
  return pacer_.delay(loop_.clock().now(), pool_.written(group_).value);
}

rt::Task<void> Source::pace_hosts(Channel& channel) {
  while (!channel.closed()) {
    bool wanted = settings_.on_rpo == RpoAction::pace && settings_.rpo_seconds > 0 && streaming_ && !is_next_hop();
    if (!wanted) {
      pacer_.stop();
      co_await tuned_.wait();
      continue;
    }
    Pacer::Sight sight;
    sight.now = loop_.clock().now();
    sight.written = pool_.written(group_).value;
    sight.backlog = pool_.written_after(group_, received_).value;
    sight.received = sight.written - std::min(sight.written, sight.backlog);
    sight.objective = std::chrono::seconds(settings_.rpo_seconds);
    pacer_.look(sight);
    co_await channel.pause(Pacer::look_every);
  }
  pacer_.stop();
}

}  // namespace lockstep::replica
