// lockstep-sim: seeds in processes of their own, so that one that aborts names itself and the rest go on.
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "sim/sim.h"

namespace {

struct Asked {
  std::uint64_t first = 1, seeds = 5000;
  unsigned processes = std::max(1u, std::thread::hardware_concurrency());
  bool verbose = false, expect_failure = false;
  const lockstep::sim::Scenario* scenario = nullptr;   // none: each seed has its own
};

constexpr std::uint64_t batch = 20;          // seeds a process
constexpr std::uint64_t twice_every = 50;    // these seeds run twice and must agree
constexpr int seconds_most = 60;             // of processor time for one seed: what takes longer goes round in circles, and its process dies

std::string replay(std::uint64_t seed, const Asked& asked) {
  return "lockstep-sim" + (asked.scenario != nullptr ? " --scenario " + std::string(asked.scenario->name) : std::string()) + " --seed " + std::to_string(seed) + " --verbose";
}

// Begins the seed's time; whoever is still at it when it has passed dies of SIGPROF. A busy machine takes nothing from it.
void limit_time() {
  itimerval limit{};
  limit.it_value.tv_sec = seconds_most;
  setitimer(ITIMER_PROF, &limit, nullptr);
}

// Whether the seed failed; where failure is expected, whether it did so by a broken promise.
bool fails(std::uint64_t seed, const Asked& asked) {
  const bool verbose = asked.verbose, promises_only = asked.expect_failure;
  const lockstep::sim::Scenario& scenario = asked.scenario != nullptr ? *asked.scenario : lockstep::sim::scenario_of(seed);
  auto outcome = run_seed(scenario, seed, verbose);
  if (!outcome.failure && seed % twice_every == 0) {
    auto again = run_seed(scenario, seed, false);
    if (again.event_hash != outcome.event_hash || again.failure) outcome.failure = "two runs of one seed differ" + (again.failure ? ": " + *again.failure : std::string());
  }
  if (outcome.failure) std::printf("FAILED seed %llu (%s): %s\n  replay: %s\n", static_cast<unsigned long long>(seed), std::string(scenario.name).c_str(), outcome.failure->c_str(), replay(seed, asked).c_str());
  else if (verbose) std::printf("seed %llu (%s): %llu writes, %llu answered, %llu faults, events %016llx\n", static_cast<unsigned long long>(seed), std::string(scenario.name).c_str(), static_cast<unsigned long long>(outcome.writes),
                                static_cast<unsigned long long>(outcome.answers), static_cast<unsigned long long>(outcome.faults), static_cast<unsigned long long>(outcome.event_hash));
  std::fflush(stdout);
  return promises_only ? outcome.broke_a_promise : outcome.failure.has_value();
}

// Runs seeds [first, first + count) in a child. Its pipe tells which seed it is at; its exit code how many failed.
struct Child {
  std::uint64_t first = 0, count = 0;
  int progress = -1;
};

pid_t start(const Asked& asked, Child& child) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  std::fflush(stdout);   // or the child says it again
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    int failed = 0;
    for (std::uint64_t seed = child.first; seed < child.first + child.count; ++seed) {
      if (write(ends[1], &seed, sizeof seed) != static_cast<ssize_t>(sizeof seed)) _exit(100);
      limit_time();
      if (fails(seed, asked)) ++failed;
    }
    std::fflush(stdout);
    _exit(failed);
  }
  close(ends[1]);
  child.progress = ends[0];
  return pid;
}

std::uint64_t last_seed(const Child& child) {
  std::uint64_t seed = child.first, read_seed = 0;
  while (read(child.progress, &read_seed, sizeof read_seed) == static_cast<ssize_t>(sizeof read_seed)) seed = read_seed;
  close(child.progress);
  return seed;
}

struct Total {
  std::uint64_t failed = 0;   // of these, where failure is expected, only what broke a promise
  std::uint64_t died = 0;
};

Total run_all(const Asked& asked) {
  std::map<pid_t, Child> running;
  std::uint64_t next = asked.first, end = asked.first + asked.seeds;
  Total total;
  while (next < end || !running.empty()) {
    while (next < end && running.size() < asked.processes) {
      Child child{.first = next, .count = std::min(batch, end - next)};
      next += child.count;
      running[start(asked, child)] = child;
    }
    int status = 0;
    pid_t pid = wait(&status);
    auto it = running.find(pid);
    if (it == running.end()) continue;
    Child child = it->second;
    running.erase(it);
    std::uint64_t at = last_seed(child);
    if (WIFEXITED(status)) {
      total.failed += static_cast<std::uint64_t>(WEXITSTATUS(status));
      continue;
    }
    ++total.died;
    std::printf("FAILED seed %llu: the process died (%s)\n  replay: %s\n", static_cast<unsigned long long>(at), strsignal(WTERMSIG(status)), replay(at, asked).c_str());
    std::uint64_t rest = child.first + child.count;
    if (at + 1 < rest) {
      Child more{.first = at + 1, .count = rest - at - 1};
      running[start(asked, more)] = more;
    }
  }
  return total;
}

[[noreturn]] void usage() {
  std::fprintf(stderr, "usage: lockstep-sim [--seeds N] [--first N] [--seed N] [--scenario NAME] [--verbose] [--processes N] [--expect-failure]\nscenarios:");
  for (const auto& scenario : lockstep::sim::scenarios()) std::fprintf(stderr, " %s", std::string(scenario.name).c_str());
  std::fprintf(stderr, "; without --scenario, each seed has its own\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  Asked asked;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    auto number = [&]() -> std::uint64_t {
      if (++i >= argc) usage();
      return std::strtoull(argv[i], nullptr, 0);
    };
    if (word == "--seeds") asked.seeds = number();
    else if (word == "--first") asked.first = number();
    else if (word == "--seed") asked.first = number(), asked.seeds = 1;
    else if (word == "--processes") asked.processes = std::max<unsigned>(1, static_cast<unsigned>(number()));
    else if (word == "--verbose") asked.verbose = true;
    else if (word == "--scenario") {
      if (++i >= argc) usage();
      asked.scenario = lockstep::sim::scenario_named(argv[i]);
      if (asked.scenario == nullptr) usage();
    }
    else if (word == "--expect-failure") asked.expect_failure = true;
    else usage();
  }
  auto begun = std::chrono::steady_clock::now();
  Total total = run_all(asked);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  if (asked.expect_failure) {
    std::printf("sim: %llu seeds from %llu in %.1f s: %llu broke a promise, as they were to; %llu died\n", number(asked.seeds), number(asked.first), seconds, number(total.failed),
                number(total.died));
    return total.failed > 0 && total.died == 0 ? 0 : 1;
  }
  std::uint64_t failed = total.failed + total.died;
  std::printf("sim: %llu seeds from %llu in %.1f s: %llu passed, %llu failed\n", number(asked.seeds), number(asked.first), seconds, number(asked.seeds - std::min(failed, asked.seeds)),
              number(failed));
  return failed == 0 ? 0 : 1;
}
