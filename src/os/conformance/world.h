// A world under test: what the conformance suite asks of whoever wants to be a Host.
// Each test gets a fresh one. The suite knows nothing else about it: no thread, no kernel, no seed.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "os/os.h"

namespace lockstep::os::conformance {

class TestWorld {
 public:
  virtual ~TestWorld() = default;
  virtual Host& host() = 0;
  virtual rt::Loop& loop() = 0;               // where run() runs its task
  virtual void run(rt::Task<void> task) = 0;  // returns when the task has ended; once per world
  virtual std::string directory() = 0;        // exists, empty, of this world alone; no slash at its end
  virtual Address anywhere() = 0;             // to listen on: TCP, any free port
  virtual Address nowhere() = 0;              // TCP: nobody listens there, and the refusal comes at once

  [[nodiscard]] std::string path(const std::string& name) { return directory() + "/" + name; }
  [[nodiscard]] Address unix_address(const std::string& name) {
    Address address;
    address.path = path(name);
    return address;
  }
};

struct Param {
  std::string name;  // letters and digits
  std::function<std::unique_ptr<TestWorld>()> make;
  friend void PrintTo(const Param& param, std::ostream* out) { *out << param.name; }
};

class Suite : public testing::TestWithParam<Param> {
 protected:
  void run(rt::Task<void> (*body)(TestWorld&)) {
    std::unique_ptr<TestWorld> world = GetParam().make();
    world->run(body(*world));
  }
};
class Files : public Suite {};
class Loops : public Suite {};
class Streams : public Suite {};
class TlsStreams : public Suite {};

// A job for a worker, with its result.
template <class F>
auto on_worker(TestWorld& world, F job) {
  return rt::work(world.loop(), std::move(job));
}

// The same bytes for the same seed; no period that divides a block.
inline Buffer pattern(std::size_t size, unsigned seed = 1) {
  Buffer bytes(size);
  std::uint32_t x = seed * 2654435761u + 12345u;
  for (std::byte& b : bytes) {
    x = x * 1664525u + 1013904223u;
    b = static_cast<std::byte>(x >> 24);
  }
  return bytes;
}

}  // namespace lockstep::os::conformance

// OS_TEST(Suite, Name) { ... } : the body is a coroutine with `world` in scope.
#define OS_TEST(suite, name)                                          \
  inline ::lockstep::rt::Task<void> suite##_##name(TestWorld& world); \
  TEST_P(suite, name) { run(&suite##_##name); }                       \
  inline ::lockstep::rt::Task<void> suite##_##name([[maybe_unused]] TestWorld& world)

// In such a body: go on with the value, or fail the test and leave.
#define OS_MUST_(temp, declaration, ...)                                         \
  auto temp = (__VA_ARGS__);                                                     \
  EXPECT_TRUE(temp.has_value()) << #__VA_ARGS__ << ": " << temp.error().message; \
  if (!temp) co_return;                                                          \
  declaration = *std::move(temp)
#define OS_MUST(declaration, ...) OS_MUST_(LOCKSTEP_CONCAT(must_, __COUNTER__), declaration, __VA_ARGS__)
#define OS_MUST_VOID(...)                                                                \
  do {                                                                                   \
    auto must_ok = (__VA_ARGS__);                                                        \
    EXPECT_TRUE(must_ok.has_value()) << #__VA_ARGS__ << ": " << must_ok.error().message; \
    if (!must_ok) co_return;                                                             \
  } while (false)
