// CHECK: our own mistakes end the process, in release builds too. Input from peers, disks, clients and administrators
// must never be able to reach one.
#pragma once

namespace lockstep {

[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace lockstep

#define CHECK(condition) ((condition) ? static_cast<void>(0) : ::lockstep::check_failed(#condition, __FILE__, __LINE__))
