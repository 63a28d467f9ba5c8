// The contract of os, as tests: every Host passes them. Include it in one test file and say once, at global
// scope:
//   LOCKSTEP_OS_CONFORMANCE(Sim, testing::Values(Param{"plain", make_plain_world}));
#pragma once

#include "os/conformance/files.h"
#include "os/conformance/loops.h"
#include "os/conformance/streams.h"
#include "os/conformance/tls.h"
#include "os/conformance/world.h"

#define LOCKSTEP_OS_CONFORMANCE(prefix, ...)                                                              \
  namespace lockstep::os::conformance {                                                                   \
  inline std::string name_of_param(const testing::TestParamInfo<Param>& info) { return info.param.name; } \
  INSTANTIATE_TEST_SUITE_P(prefix, Loops, __VA_ARGS__, name_of_param);                                    \
  INSTANTIATE_TEST_SUITE_P(prefix, Files, __VA_ARGS__, name_of_param);                                    \
  INSTANTIATE_TEST_SUITE_P(prefix, Streams, __VA_ARGS__, name_of_param);                                  \
  INSTANTIATE_TEST_SUITE_P(prefix, TlsStreams, __VA_ARGS__, name_of_param);                               \
  }
