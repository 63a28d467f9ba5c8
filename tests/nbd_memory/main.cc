// lockstep-nbd-memory: the NBD server alone, over volumes in memory. For tests with foreign clients and for
// measuring what the server itself costs; never shipped.
//
//   lockstep-nbd-memory --unix PATH | --tcp HOST:PORT  [--tls off|allow|require] ...   each listener in turn,
//   with the policy before it
//                       [--cert PEM --key PEM] [--size BYTES] [--io automatic|uring|threads]
// Exports: "mem" and, with the same bytes, "" ; "tasks" (nothing is answered at once), "ro" (read-only).
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "nbd/nbd.h"
#include "nbd/testing/memory_volume.h"
#include "os/real/real.h"

namespace lockstep {
namespace {

using nbd::testing::MemoryVolume;

class MemoryExports final : public nbd::Exports {
 public:
  explicit MemoryExports(rt::Loop& pool) : pool_(pool) {}
  void add(std::string name, std::shared_ptr<MemoryVolume> volume) {
    volumes_[std::move(name)] = std::move(volume);
  }
  void clear() { volumes_.clear(); }

  rt::Task<Result<std::vector<nbd::Listed>>> list() override {
    std::vector<nbd::Listed> out;
    for (auto& [name, volume] : volumes_) {
      if (!name.empty()) out.push_back({name, "in memory"});
    }
    co_return out;
  }
  rt::Task<Result<nbd::Found>> find(std::string name) override {
    auto it = volumes_.find(name);
    if (it == volumes_.end()) co_return fail(Code::not_found, "there is no export '" + name + "'");
    rt::Task<Result<nbd::Found>> open = open_there(it->second);
    co_return co_await rt::run_on(pool_, std::move(open));
  }

 private:
  rt::Task<Result<nbd::Found>> open_there(std::shared_ptr<MemoryVolume> volume) {
    co_return nbd::Found(pool_, std::move(volume), "in memory");
  }
  rt::Loop& pool_;
  std::map<std::string, std::shared_ptr<MemoryVolume>> volumes_;
};

struct Wanted {
  os::Address address;
  nbd::TlsPolicy policy;
};
struct Arguments {
  std::vector<Wanted> listen;
  std::uint64_t size = 1ull << 30;
  os::real::Io io = os::real::Io::automatic;
  os::Identity identity;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

rt::Task<void> serve(nbd::Server& server, std::vector<Wanted> wanted) {
  for (Wanted& one : wanted) {
    auto address = co_await server.listen(one.address, one.policy);
    if (!address) {
      std::fprintf(stderr, "%s\n", address.error().message.c_str());
      std::exit(1);
    }
    std::printf("listening on %s\n", os::text_of(*address).c_str());
  }
  std::printf("ready\n");
  std::fflush(stdout);
}

rt::Task<void> end(nbd::Server& server, os::real::RealHost& host) {
  co_await server.stop();
  nbd::Metrics m = server.metrics();
  std::printf(
      "sessions %llu, reads %llu, writes %llu, errors %llu, receives %llu, sends %llu\n",
      static_cast<unsigned long long>(m.sessions_total), static_cast<unsigned long long>(m.requests_total[0]),
      static_cast<unsigned long long>(m.requests_total[1]), static_cast<unsigned long long>(m.errors_total),
      static_cast<unsigned long long>(m.receives_total), static_cast<unsigned long long>(m.sends_total));
  host.stop_control();
}

int run(Arguments arguments) {
  os::real::RealOptions real;
  real.io = arguments.io;
  os::real::RealHost host(real);
  rt::Loop& control = host.control_loop();
  rt::Scope scope(control);
  nbd::Options options;
  if (!arguments.identity.key_pem.empty()) options.identity = arguments.identity;
  auto* server_at = new std::optional<nbd::Server>();  // freed below, when every session has ended
  host.on_signal({SIGINT, SIGTERM}, [&](int) { scope.spawn(end(**server_at, host)); });
  rt::Loop& pool = host.start_loop("pool");
  MemoryExports exports(pool);
  Bytes size{arguments.size};
  auto mem = std::make_shared<MemoryVolume>(pool, "mem", size, 1);
  exports.add("mem", mem);
  exports.add("", mem);
  auto tasks = std::make_shared<MemoryVolume>(pool, "tasks", size, 2);
  tasks->hot = false;
  exports.add("tasks", tasks);
  auto ro = std::make_shared<MemoryVolume>(pool, "ro", size, 3);
  ro->may_write = false;
  exports.add("ro", ro);

  server_at->emplace(host, control, exports, options);
  scope.spawn(serve(**server_at, std::move(arguments.listen)));
  host.run_control();
  delete server_at;
  exports.clear();
  host.end_loop(pool);
  return 0;
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  using namespace lockstep;
  Arguments arguments;
  nbd::TlsPolicy policy = nbd::TlsPolicy::off;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string key = argv[i], value = argv[i + 1];
    if (key == "--unix" || key == "--tcp") {
      auto address = os::parse_address(key == "--unix" ? "unix:" + value : value);
      if (!address) {
        std::fprintf(stderr, "%s\n", address.error().message.c_str());
        return 2;
      }
      arguments.listen.push_back({*address, policy});
    } else if (key == "--tls") {
      policy = value == "require" ? nbd::TlsPolicy::require
               : value == "allow" ? nbd::TlsPolicy::allow
                                  : nbd::TlsPolicy::off;
    } else if (key == "--cert") {
      arguments.identity.certificate_pem = content_of(value);
    } else if (key == "--key") {
      arguments.identity.key_pem = content_of(value);
    } else if (key == "--size") {
      arguments.size = std::strtoull(value.c_str(), nullptr, 10);
    } else if (key == "--io") {
      arguments.io = value == "uring"     ? os::real::Io::uring
                     : value == "threads" ? os::real::Io::threads
                                          : os::real::Io::automatic;
    }
  }
  if (arguments.listen.empty()) {
    std::fprintf(stderr, "usage: lockstep-nbd-memory --unix PATH | --tcp HOST:PORT ...\n");
    return 2;
  }
  return run(std::move(arguments));
}
