// FakeHost: a network of wires in memory. The server's end of a wire is an os::Stream; the other end is plain
// buffers. TLS is a veil: every byte of either direction xor 0x5a, so that bytes on the wrong side of it
// show.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "os/os.h"

namespace lockstep::nbd::testing {

struct Wire {
  Buffer to_server;
  std::size_t taken = 0;  // of to_server, by the server
  Buffer to_client;
  std::size_t client_room = SIZE_MAX;  // how much more the client's side takes before somebody reads
  std::size_t read_most = SIZE_MAX;    // a read by the server returns at most this
  bool client_ended = false;           // no more bytes will come
  bool client_gone = false;            // nobody reads any more: writes fail
  bool server_closed = false;
  std::unique_ptr<rt::Signal> changed;  // on the loop that the stream belongs to

  void touch() {
    if (changed) changed->wake_all();
  }
};

class WireStream final : public os::Stream {
 public:
  WireStream(rt::Loop& loop, std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {
    wire_->changed = std::make_unique<rt::Signal>(loop);
  }
  ~WireStream() override {
    wire_->server_closed = true;
    wire_->changed.reset();
  }
  rt::Task<Result<std::size_t>> read_some(MutSpan into) override {
    while (true) {
      auto n = try_read(into);
      if (!n) co_return fail(n.error());
      if (*n) co_return **n;
      co_await wire_->changed->wait();
    }
  }
  Result<std::optional<std::size_t>> try_read(MutSpan into) override {
    mine();
    if (wire_->server_closed) return fail(Code::cancelled, "closed");
    std::size_t left = wire_->to_server.size() - wire_->taken;
    std::size_t n = std::min({into.size(), left, wire_->read_most});
    if (n == 0) return wire_->client_ended ? std::optional<std::size_t>(0) : std::nullopt;
    std::copy_n(wire_->to_server.begin() + static_cast<std::ptrdiff_t>(wire_->taken), n, into.begin());
    wire_->taken += n;
    if (n == left) {
      wire_->to_server.clear();
      wire_->taken = 0;
    }
    return std::optional(n);
  }
  rt::Task<Result<>> write(std::vector<Span> parts) override {
    for (Span part : parts) {
      while (!part.empty()) {
        Span one[] = {part};
        auto n = try_write(one);
        if (!n) co_return fail(n.error());
        part = part.subspan(*n);
        if (!part.empty()) co_await wire_->changed->wait();
      }
    }
    co_return Result<>{};
  }
  Result<std::size_t> try_write(std::span<const Span> parts) override {
    mine();
    if (wire_->server_closed) return fail(Code::cancelled, "closed");
    if (wire_->client_gone) return fail(Code::unreachable, "the client is gone");
    std::size_t total = 0;
    for (Span part : parts) {
      std::size_t n = std::min(part.size(), wire_->client_room);
      wire_->to_client.insert(wire_->to_client.end(), part.begin(),
                              part.begin() + static_cast<std::ptrdiff_t>(n));
      if (wire_->client_room != SIZE_MAX) wire_->client_room -= n;
      total += n;
      if (n < part.size()) break;
    }
    return total;
  }
  void close() override {
    mine();
    wire_->server_closed = true;
    wire_->touch();
  }
  void move_to(rt::Loop& loop) override {
    mine();
    wire_->changed = std::make_unique<rt::Signal>(loop);
  }
  std::string peer_name() const override { return "client"; }

 private:
  void mine() const { CHECK(rt::Loop::current() == &wire_->changed->loop()); }
  std::shared_ptr<Wire> wire_;  // the client's end looks at it too
};

class VeilStream final : public os::Stream {
 public:
  explicit VeilStream(std::unique_ptr<os::Stream> under) : under_(std::move(under)) {}
  static void veil(MutSpan bytes) {
    for (std::byte& b : bytes) b ^= std::byte{0x5a};
  }
  rt::Task<Result<std::size_t>> read_some(MutSpan into) override {
    CO_TRY(std::size_t n, co_await under_->read_some(into));
    veil(into.first(n));
    co_return n;
  }
  Result<std::optional<std::size_t>> try_read(MutSpan into) override {
    auto n = under_->try_read(into);
    if (n && *n) veil(into.first(**n));
    return n;
  }
  rt::Task<Result<>> write(std::vector<Span> parts) override {
    Buffer all;
    for (Span part : parts) all.insert(all.end(), part.begin(), part.end());
    veil(all);
    std::vector<Span> one{Span(all)};
    co_return co_await under_->write(std::move(one));
  }
  Result<std::size_t> try_write(std::span<const Span> parts) override {
    Buffer all;
    for (Span part : parts) all.insert(all.end(), part.begin(), part.end());
    veil(all);
    Span one[] = {Span(all)};
    return under_->try_write(one);
  }
  void close() override { under_->close(); }
  void move_to(rt::Loop& loop) override { under_->move_to(loop); }
  std::string peer_name() const override { return under_->peer_name(); }

 private:
  std::unique_ptr<os::Stream> under_;
};

class FakeTls final : public os::Tls {
 public:
  bool stuck = false;  // the client never answers: only closing the stream below ends it
  rt::Task<Result<std::unique_ptr<os::Stream>>> client(std::unique_ptr<os::Stream>, os::TlsClient) override {
    co_return fail(Code::unsupported, "no client here");
  }
  rt::Task<Result<std::unique_ptr<os::Stream>>> server(std::unique_ptr<os::Stream> under,
                                                       const os::TlsServer&) override {
    if (stuck) {
      std::byte hello[5000];
      CO_TRY_VOID(co_await os::read_all(*under, hello));
    }
    std::unique_ptr<os::Stream> veiled = std::make_unique<VeilStream>(std::move(under));
    co_return veiled;
  }
  Result<os::Identity> make_identity(const std::string&, const std::vector<std::string>&) override {
    return os::Identity{};
  }
  Result<os::Fingerprint> fingerprint_of(const os::Identity&) override { return os::Fingerprint{}; }
};

class FakeListener final : public os::Listener {
 public:
  FakeListener(rt::Loop& loop, os::Address address)
      : loop_(loop), address_(std::move(address)), changed_(loop) {}
  std::shared_ptr<Wire> connect() {
    auto wire = std::make_shared<Wire>();
    waiting_.push_back(std::make_unique<WireStream>(loop_, wire));
    changed_.wake_all();
    return wire;
  }
  rt::Task<Result<std::unique_ptr<os::Stream>>> accept() override {
    while (waiting_.empty() && !closed_) co_await changed_.wait();
    if (closed_) co_return fail(Code::cancelled, "closed");
    std::unique_ptr<os::Stream> stream = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    co_return stream;
  }
  void close() override {
    closed_ = true;
    changed_.wake_all();
  }
  os::Address address() const override { return address_; }

 private:
  rt::Loop& loop_;
  os::Address address_;
  bool closed_ = false;
  std::vector<std::unique_ptr<os::Stream>> waiting_;
  rt::Signal changed_;
};

class FakeNet final : public os::Net {
 public:
  std::vector<FakeListener*> listeners;
  rt::Task<Result<std::unique_ptr<os::Listener>>> listen(rt::Loop& loop, os::Address address) override {
    auto made = std::make_unique<FakeListener>(loop, std::move(address));
    listeners.push_back(made.get());
    std::unique_ptr<os::Listener> listener = std::move(made);
    co_return listener;
  }
  rt::Task<Result<std::unique_ptr<os::Stream>>> connect(rt::Loop&, os::Address, Duration) override {
    co_return fail(Code::unsupported, "no connect here");
  }
};

class FakeHost final : public os::Host {
 public:
  explicit FakeHost(const rt::Clock& clock) : clock_(clock) {}
  FakeNet fake_net;
  FakeTls fake_tls;
  const rt::Clock& clock() override { return clock_; }
  os::Random& random() override { unused(); }
  os::Files& files() override { unused(); }
  os::Net& net() override { return fake_net; }
  os::Tls& tls() override { return fake_tls; }
  rt::Loop& start_loop(std::string) override { unused(); }
  void end_loop(rt::Loop&) override { unused(); }

 private:
  [[noreturn]] static void unused() { check_failed("the NBD server asked for this", __FILE__, __LINE__); }
  const rt::Clock& clock_;
};

}  // namespace lockstep::nbd::testing
