// Rt: coroutines and the loop they run on, without a word about the machine below.
#pragma once

#include "rt/budget.h"
#include "rt/clock.h"
#include "rt/loop.h"
#include "rt/queue.h"
#include "rt/scope.h"
#include "rt/signal.h"
#include "rt/sleep.h"
#include "rt/stop.h"
#include "rt/task.h"
#include "rt/work.h"
