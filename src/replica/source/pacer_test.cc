#include "replica/source/pacer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace lockstep::replica {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A link of so many bytes a second behind a queue, and hosts that write as the pacer lets them.
struct Plant {
  double link = 1e6;
  double hosts = 2e6;            // what they would write, bytes a second
  std::uint64_t request = 4096;
  std::uint64_t batch = 0;       // bytes that are acknowledged at once
  std::size_t connections = 4;
  Duration objective = seconds(10);
  Pacer pacer;

  struct Result {
    double lag_most = 0;         // seconds, over all
    double lag_late = 0;         // over the last third
    double written = 0, received = 0;
    Duration delay_most{0};
  };

  Result run(Duration length, Duration calm_after = std::chrono::hours(1)) {
    Result out;
    const Duration step = milliseconds(1);
    std::vector<Instant> next(connections);
    double gap = static_cast<double>(request * connections) / hosts;   // between requests of one connection
    for (Instant now; now.since_start < length; now = now + step) {
      if (now.since_start >= calm_after) gap = static_cast<double>(request * connections) / (link / 4);
      for (Instant& mine : next) {
        while (mine <= now) {
          Duration wait = pacer.delay(mine, written);
          out.delay_most = std::max(out.delay_most, wait);
          if (wait > step) {
            mine = mine + wait;
            if (mine > now) break;
          }
          queue.push_back({mine, request});
          written += request;
          mine = mine + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(gap));
        }
      }
      credit += link * 0.001;
      bool leaps = credit >= static_cast<double>(batch);   // a batch is acknowledged as a whole
      while (leaps && !queue.empty() && credit >= static_cast<double>(queue.front().second)) {
        credit -= static_cast<double>(queue.front().second);
        received += queue.front().second;
        queue.pop_front();
      }
      if (queue.empty()) credit = 0;
      double lag = queue.empty() ? 0 : std::chrono::duration<double>(now - queue.front().first).count();
      out.lag_most = std::max(out.lag_most, lag);
      if (now.since_start > length * 2 / 3) out.lag_late = std::max(out.lag_late, lag);
      if (now.since_start >= looked) {
        looked = now.since_start + Pacer::look_every;
        pacer.look({now, written, received, written - received, objective});
      }
    }
    out.written = static_cast<double>(written);
    out.received = static_cast<double>(received);
    return out;
  }

  std::deque<std::pair<Instant, std::uint64_t>> queue;
  std::uint64_t written = 0, received = 0;
  double credit = 0;
  Duration looked{0};
};

TEST(Pacer, HoldsTheLagUnderAWriterAtTwiceTheLinksRate) {
  for (int objective : {1, 5, 10, 30}) {
    for (std::uint64_t request : {4096, 65536}) {
      Plant plant;
      plant.objective = seconds(objective);
      plant.request = request;
      auto out = plant.run(seconds(60 + 4 * objective));
      EXPECT_LE(out.lag_most, 1.2 * objective) << objective << " s, " << request;
      EXPECT_GE(out.lag_late, 0.5 * objective) << "slowed more than just enough: " << objective << " s";
      EXPECT_GE(out.received, 0.95 * 1e6 * (60 + 4 * objective)) << "the link stood idle";
    }
  }
}

TEST(Pacer, HoldsTheLagWhenAcknowledgementsComeInLeaps) {
  Plant plant;
  plant.link = 128e3;
  plant.hosts = 256e3;
  plant.objective = seconds(3);
  plant.batch = 32 << 10;   // a quarter of a second each
  auto out = plant.run(seconds(100));
  EXPECT_LE(out.lag_most, 3.6);
  EXPECT_GE(out.received, 0.9 * 128e3 * 100);
}

TEST(Pacer, HoldsTheLagOnASlowLink) {
  Plant plant;
  plant.link = 48e3;
  plant.hosts = 96e3;
  plant.objective = seconds(4);
  plant.batch = 16 << 10;
  plant.request = 8192;
  EXPECT_LE(plant.run(seconds(100)).lag_most, 4.8);
}

TEST(Pacer, HoldsTheLagUnderAWriterAtTenTimesTheLinksRate) {
  Plant plant;
  plant.hosts = 10e6;
  auto out = plant.run(seconds(100));
  EXPECT_LE(out.lag_most, 12.0);
}

TEST(Pacer, LetsGoWhenTheWriterCalmsDown) {
  Plant plant;
  auto out = plant.run(seconds(120), seconds(60));
  EXPECT_LE(out.lag_most, 12.0);
  EXPECT_FALSE(plant.pacer.active());
}

TEST(Pacer, SlowsNobodyWhoseWritesTheLinkTakes) {
  Plant plant;
  plant.hosts = 0.9e6;
  auto out = plant.run(seconds(60));
  EXPECT_EQ(out.delay_most, Duration{0});
}

TEST(Pacer, SlowsNobodyWithoutALink) {
  Pacer pacer;
  for (int i = 0; i < 100; ++i) {
    std::uint64_t written = 1'000'000 * static_cast<std::uint64_t>(i);
    pacer.look({Instant{Pacer::look_every * i}, written, 0, written, seconds(1)});
  }
  EXPECT_FALSE(pacer.active());   // nothing is known of its rate
  Plant plant;
  plant.run(seconds(30));
  EXPECT_TRUE(plant.pacer.active());
  plant.pacer.stop();
  EXPECT_EQ(plant.pacer.delay(Instant{seconds(31)}, plant.written + 1'000'000'000), Duration{0});
}

TEST(Pacer, HostsKeepHalfTheLinksSpeedAfterAnOutage) {
  Plant plant;
  for (int i = 0; i < 6000; ++i) plant.queue.push_back({Instant{}, 100'000});   // ten minutes of the link
  plant.written = 600'000'000;
  auto out = plant.run(seconds(60));
  EXPECT_GE(out.written - 600e6, 0.4 * 1e6 * 55);
  EXPECT_LE(out.written - 600e6, 0.8 * 1e6 * 60);
  EXPECT_LE(out.delay_most, Pacer::wait_most);
}

TEST(Pacer, ShareFallsWithTheWay) {
  EXPECT_EQ(share_at(0.0), 0);
  EXPECT_EQ(share_at(0.49), 0);
  double before = 5;
  for (double part = 0.5; part < 3; part += 0.05) {
    EXPECT_LE(share_at(part), before);
    before = share_at(part);
  }
  EXPECT_NEAR(share_at(0.9), 1, 1e-9);
  EXPECT_EQ(share_at(100), 0.5);
}

}  // namespace
}  // namespace lockstep::replica
