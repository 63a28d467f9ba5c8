// Sim: a world made of a seed: hosts with clocks, disks and networks that lose power, tear, fill up, delay and partition.
// Promises: one thread; the same seed, options and program give the same events in the same order (event_hash() proves it);
//           what was synced survives every power cut; what was not is lost, kept or torn as the seed says; a dead host
//           changes nothing, on its disk or on the network.
// Refuses:  wall clocks, threads, order of hashes or pointers; blocking file calls from a loop's turn (only worker jobs,
//           and the test itself between events, may make them).
//
//   World world{test_seed()};
//   Host& host = world.add_host("a");
//   auto journal = must(world.run(host.loop(), Journal::open(host.files(), host.loop(), "/pool")));
//
// Death. A coroutine is never destroyed while it waits: a dead host's program runs to its end and fails at everything.
//   host.power_cut(Tear::any);       // or host.kill(); or host.disk().die_before(n) and let it happen
//   host.finish(program->stop());    // runs only the dead host, in no time for the rest of the world
//   program.reset();                 // every task has ended: it can be destroyed like any object
//   host.restart();                  // files(), net(), loop() ... are fresh from here on, the disk is what survived
// From its death on, every file call of that host fails with `io`, every stream, listener and connect with `cancelled`
// (what waits is woken), timers and jobs still come. References taken from the host before its death stay valid, dead.
#pragma once

#include "os/sim/disk.h"
#include "os/sim/host.h"
#include "os/sim/network.h"
#include "os/sim/options.h"
#include "os/sim/rng.h"
#include "os/sim/world.h"
