// For tests of a Host beyond the conformance suite: the same worlds, without its tests.
#pragma once

#include "os/conformance/ends.h"
#include "os/conformance/world.h"
