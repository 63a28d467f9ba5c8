// Prompt threads: those that mostly wait, and for which others wait.
#pragma once

namespace lockstep::os::real {

// Once awake, this thread does not wait for those that compute to use up their share of a core first: it asks for short turns (not for more of
// them) and gets them sooner. What io_uring starts on its behalf afterwards does so too. Linux before 6.12 knows no such wish: nothing changes.
void make_this_thread_prompt() noexcept;

}  // namespace lockstep::os::real
