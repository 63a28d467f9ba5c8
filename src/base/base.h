// Base: the words that every other folder shares. No I/O, no clock, no allocation policy.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
