#include "rt/loop.h"

namespace lockstep::rt {
namespace {

thread_local Loop* current_loop = nullptr;

}  // namespace

Loop* Loop::current() noexcept { return current_loop; }
void Loop::set_current(Loop* loop) noexcept { current_loop = loop; }

}  // namespace lockstep::rt
