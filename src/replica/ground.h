// Ground: what all parts of one engine stand on. Built once, never changed.
#pragma once

#include "base/base.h"
#include "os/os.h"
#include "replica/replica.h"
#include "rt/rt.h"

namespace lockstep::replica {

struct Ground {
  os::Host& host;
  rt::Loop& control;
  const Self self;
  const Options options;
};

}  // namespace lockstep::replica
