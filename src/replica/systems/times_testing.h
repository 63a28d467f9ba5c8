// For tests: the times of a relationship are those that the table lets an operation note (model/times.h), and no others.
#pragma once

#include <gtest/gtest.h>

#include "replica/model/times.h"

namespace lockstep::replica::testing {

struct Leeway {
  bool healed = false;       // the connection came back meanwhile, which may have made it Synchronized without being asked
  bool two_clocks = false;   // the other system's: what it was told at creation is of this system's clock
};

inline void expect_times(const Noted& noted, const Relationship& before, const Relationship& after, Leeway leeway = {}) {
  struct Column {
    const char* name;
    bool noted;
    WallTime Relationship::*time;
  };
  const Column columns[] = {{"WhenActivated", noted.activated, &Relationship::when_activated},
                            {"WhenSynchronized", noted.synchronized, &Relationship::when_synchronized},
                            {"WhenSuspended", noted.suspended, &Relationship::when_suspended},
                            {"WhenFailedOver", noted.failed_over, &Relationship::when_failed_over},
                            {"WhenEstablished", false, &Relationship::when_established}};
  for (const Column& column : columns) {
    bool either = leeway.healed && column.time == &Relationship::when_synchronized;
    if (either) {
      EXPECT_GE((after.*column.time).us, (before.*column.time).us) << column.name << " went back";
    } else if (column.noted && leeway.two_clocks) {
      EXPECT_NE((after.*column.time).us, (before.*column.time).us) << column.name << " was not noted there";
    } else if (column.noted) {
      EXPECT_GT((after.*column.time).us, (before.*column.time).us) << column.name << " was not noted";
    } else {
      EXPECT_EQ((after.*column.time).us, (before.*column.time).us) << column.name << " has changed";
    }
  }
}

}  // namespace lockstep::replica::testing
