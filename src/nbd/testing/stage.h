// Stage: a server, its exports and its clients, on hand-turned loops. A Client speaks raw NBD: nothing it
// sends need make sense.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nbd/nbd.h"
#include "nbd/protocol.h"
#include "nbd/testing/fake_host.h"
#include "nbd/testing/memory_volume.h"
#include "nbd/testing/test_loop.h"

namespace lockstep::nbd::testing {

class FakeExports final : public Exports {
 public:
  explicit FakeExports(TestLoop& pool) : pool_(pool) {}
  std::map<std::string, std::shared_ptr<MemoryVolume>> volumes;
  std::optional<Error> refuse;

  rt::Task<Result<std::vector<Listed>>> list() override {
    if (refuse) co_return fail(*refuse);
    std::vector<Listed> out;
    for (auto& [name, volume] : volumes) out.push_back({name, "about " + name});
    co_return out;
  }
  rt::Task<Result<Found>> find(std::string name) override {
    if (refuse) co_return fail(*refuse);
    auto it = volumes.find(name);
    if (it == volumes.end()) co_return fail(Code::not_found, "there is no volume '" + name + "'");
    rt::Task<Result<Found>> opened = open(it->second, "about " + name);
    co_return co_await rt::run_on(static_cast<rt::Loop&>(pool_), std::move(opened));
  }

 private:
  rt::Task<Result<Found>> open(std::shared_ptr<MemoryVolume> volume, std::string description) {
    co_return Found(pool_, std::move(volume), std::move(description));
  }
  TestLoop& pool_;
};

struct OptionReply {
  Opt option;
  Rep type;
  std::string data;
};
struct Chunk {  // a simple reply is one too, with type `simple`
  static constexpr std::uint16_t simple = 0xffff;
  std::uint16_t type = simple;
  std::uint16_t flags = reply_done;
  std::uint64_t cookie = 0;
  Errno error = Errno::none;
  Buffer data;
};

inline Buffer filled(std::size_t size, int with) { return Buffer(size, static_cast<std::byte>(with)); }
inline std::string text_of_error(const Chunk& chunk) {
  return std::string(as_text(Span(chunk.data).subspan(6, load_be<std::uint16_t>(chunk.data.data() + 4))));
}
inline std::vector<std::uint64_t> cookies(const std::vector<Chunk>& chunks) {
  std::vector<std::uint64_t> out;
  for (const Chunk& chunk : chunks) out.push_back(chunk.cookie);
  return out;
}

class Client {
 public:
  Client(Loops& loops, std::shared_ptr<Wire> wire) : loops_(loops), wire_(std::move(wire)) {}
  ~Client() { hang_up(); }
  Client(Client&&) = default;

  Wire& wire() { return *wire_; }
  bool veiled = false;
  bool structured = false;

  void send_raw(Span bytes) {
    Buffer out = to_buffer(bytes);
    if (veiled) VeilStream::veil(out);
    wire_->to_server.insert(wire_->to_server.end(), out.begin(), out.end());
    wire_->touch();
  }
  void end() {  // half-close
    wire_->client_ended = true;
    wire_->touch();
  }
  void hang_up() {
    if (!wire_) return;
    wire_->client_gone = true;
    end();
    loops_.settle();
  }
  [[nodiscard]] bool dropped() {
    loops_.settle();
    return wire_->server_closed;
  }
  // Everything the server has sent and nobody has taken yet.
  Buffer take_all() {
    loops_.settle();
    Buffer out = std::move(wire_->to_client);
    wire_->to_client.clear();
    if (veiled) VeilStream::veil(out);
    return out;
  }

  // Handshake.
  void send_flags(std::uint32_t flags = 3) {
    Buffer b(4);
    Put(b.data()).be(flags);
    send_raw(b);
  }
  void send_option(Opt option, Span data = {}) {
    Buffer b(16 + data.size());
    Put(b.data()).be(magic_option).be(option).be(static_cast<std::uint32_t>(data.size())).text(as_text(data));
    send_raw(b);
  }
  std::vector<OptionReply> option_replies() {
    std::vector<OptionReply> out;
    Buffer all = take_all();
    Take take(all);
    while (take.ok() && !take.at_end()) {
      if (take.be<std::uint64_t>() != magic_option_reply) return {};
      Opt option{take.be<std::uint32_t>()};
      Rep type{take.be<std::uint32_t>()};
      std::uint32_t length = take.be<std::uint32_t>();
      out.push_back({option, type, std::string(take.text(length))});
    }
    return out;
  }
  std::vector<OptionReply> ask(Opt option, Span data = {}) {
    send_option(option, data);
    return option_replies();
  }
  static Buffer info_data(std::string_view name, std::vector<std::uint16_t> kinds = {}) {
    Buffer b(4 + name.size() + 2 + 2 * kinds.size());
    Put put(b.data());
    put.be(static_cast<std::uint32_t>(name.size())).text(name).be(static_cast<std::uint16_t>(kinds.size()));
    for (std::uint16_t kind : kinds) put.be(kind);
    return b;
  }
  static Buffer context_data(std::string_view name, std::vector<std::string> queries) {
    Buffer b;
    auto u32 = [&b](std::size_t n) {
      b.resize(b.size() + 4);
      Put(b.data() + b.size() - 4).be(static_cast<std::uint32_t>(n));
    };
    auto text = [&](std::string_view s) {
      u32(s.size());
      Span bytes = as_span(s);
      b.insert(b.end(), bytes.begin(), bytes.end());
    };
    text(name);
    u32(queries.size());
    for (const std::string& query : queries) text(query);
    return b;
  }

  // Transmission.
  static Buffer request(Cmd cmd, std::uint64_t cookie, std::uint64_t offset, std::uint32_t length,
                        std::uint16_t flags = 0, Span payload = {}) {
    Buffer b(request_size + payload.size());
    Put(b.data()).be(magic_request).be(flags).be(cmd).be(cookie).be(offset).be(length).text(as_text(payload));
    return b;
  }
  void send(Cmd cmd, std::uint64_t cookie, std::uint64_t offset, std::uint32_t length,
            std::uint16_t flags = 0, Span payload = {}) {
    send_raw(request(cmd, cookie, offset, length, flags, payload));
  }
  // Replies so far, given what each cookie of a read without structured replies is to bring.
  std::vector<Chunk> replies(const std::map<std::uint64_t, std::size_t>& reads = {}) {
    std::vector<Chunk> out;
    Buffer all = take_all();
    Take take(all);
    while (take.ok() && !take.at_end()) {
      Chunk chunk;
      auto magic = take.be<std::uint32_t>();
      if (magic == magic_simple_reply) {
        chunk.error = Errno{take.be<std::uint32_t>()};
        chunk.cookie = take.be<std::uint64_t>();
        auto it = reads.find(chunk.cookie);
        if (it != reads.end() && chunk.error == Errno::none) chunk.data = to_buffer(take.raw(it->second));
      } else if (magic == magic_structured_reply) {
        chunk.flags = take.be<std::uint16_t>();
        chunk.type = take.be<std::uint16_t>();
        chunk.cookie = take.be<std::uint64_t>();
        chunk.data = to_buffer(take.raw(take.be<std::uint32_t>()));
        if (chunk.type == reply_error_type) chunk.error = Errno{load_be<std::uint32_t>(chunk.data.data())};
      } else {
        return {};
      }
      out.push_back(std::move(chunk));
    }
    if (!take.ok()) return {};
    return out;
  }
  // The only reply so far.
  std::optional<Chunk> only_reply(std::size_t read_size = 0, std::uint64_t cookie = 0) {
    std::vector<Chunk> all = replies({{cookie, read_size}});
    if (all.size() != 1) return std::nullopt;
    return std::move(all.front());
  }

 private:
  Loops& loops_;
  std::shared_ptr<Wire> wire_;  // the server's end holds it too
};

class Stage {
 public:
  explicit Stage(Options options = {}, TlsPolicy policy = TlsPolicy::off)
      : host(loops.clock), exports(loops.pool) {
    options.identity.emplace();
    volume = std::make_shared<MemoryVolume>(loops.pool, "vol", 1_MiB);
    exports.volumes["p/vol"] = volume;
    loops.control.inside([&] { server.emplace(host, loops.control, exports, options); });
    listen(policy);
  }
  ~Stage() {
    stop();
    server.reset();
  }
  void listen(TlsPolicy policy) {
    os::Address address;
    address.path = "/sock";
    start(listen_there(std::move(address), policy));
  }
  void stop() {
    if (stopped) return;
    stopped = true;
    if (volume->hold_tasks) volume->release_tasks();
    start(server->stop());
    loops.advance(std::chrono::seconds(5));
    loops.control.inside([&] { CHECK(scope.running() == 0); });
  }
  // Begins `task` on the control loop and lets everything run.
  void start(rt::Task<void> task) {
    loops.control.inside([&] { scope.spawn(std::move(task)); });
    loops.settle();
  }
  Client connect(std::size_t listener = 0) {
    return Client(loops, host.fake_net.listeners.at(listener)->connect());
  }
  // A client behind the greeting.
  Client greeted(std::uint32_t flags = 3) {
    Client client = connect();
    client.take_all();
    client.send_flags(flags);
    loops.settle();
    return client;
  }
  // A client in transmission.
  Client transmitting(bool structured = true, std::string name = "p/vol", bool contexts = true) {
    Client client = greeted();
    if (structured) client.ask(Opt::structured_reply);
    if (structured && contexts)
      client.ask(Opt::set_meta_context, Client::context_data(name, {"base:allocation"}));
    client.ask(Opt::go, Client::info_data(name));
    client.structured = structured;
    return client;
  }

  Loops loops;
  FakeHost host;
  FakeExports exports;
  std::shared_ptr<MemoryVolume> volume;  // the server's sessions hold it too
  rt::Scope scope{loops.control};
  std::optional<Server> server;
  bool stopped = false;

 private:
  rt::Task<void> listen_there(os::Address address, TlsPolicy policy) {
    auto listening = co_await server->listen(std::move(address), policy);
    CHECK(listening.has_value());
  }
};

}  // namespace lockstep::nbd::testing
