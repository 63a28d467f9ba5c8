#include <algorithm>

#include "os/sim/listener.h"

namespace lockstep::os::sim {

void ListenerState::arrive(std::shared_ptr<Connection> connection) {
  waiting_.push_back(std::move(connection));
  arrived_.wake_all();
}

void ListenerState::close() {
  if (closed_) return;
  closed_ = true;
  for (auto& connection : waiting_) connection->close(1);
  waiting_.clear();
  arrived_.wake_all();
}

rt::Task<std::shared_ptr<Connection>> ListenerState::accept() {
  while (waiting_.empty() && !closed_) co_await arrived_.wait();
  if (closed_) co_return nullptr;
  std::shared_ptr<Connection> connection = std::move(waiting_.front());
  waiting_.pop_front();
  co_return connection;
}

void Attempt::end(Result<std::shared_ptr<Connection>> how) {
  if (result) {
    if (how) (*how)->close(0);   // came too late: nobody waits for it
    return;
  }
  result = std::move(how);
  ended.wake_all();
}

namespace {

class SimListener final : public Listener {
 public:
  SimListener(Network& network, std::shared_ptr<ListenerState> state) : network_(network), state_(std::move(state)) {}
  ~SimListener() override { close(); }

  rt::Task<Result<std::unique_ptr<Stream>>> accept() override {
    std::shared_ptr<Connection> connection = co_await state_->accept();
    if (!connection) co_return fail(Code::cancelled, text_of(state_->address()) + ": no longer listening");
    co_return make_stream(std::move(connection), 1);
  }
  void close() override {
    state_->close();
    auto gone = [&](const auto& item) { return item.second == state_; };
    std::erase_if(network_.ports, gone);
    std::erase_if(network_.paths, gone);
  }
  [[nodiscard]] Address address() const override { return state_->address(); }

 private:
  Network& network_;
  std::shared_ptr<ListenerState> state_;
};

// A connection request on the wire. It is sent again while the way is cut or the listener's queue is full.
struct Knock {
  Network* network;
  std::shared_ptr<Attempt> attempt;
  Host* there;
  Address address;
  Duration again;

  [[nodiscard]] Host& here() const { return attempt->life.host(); }
  [[nodiscard]] bool over() const { return attempt->result.has_value() || attempt->life.dead(); }

  void send() {
    later(network->latency(here(), *there), [knock = *this]() mutable { knock.arrive(); });
  }

  void arrive() {
    if (over()) return;
    std::shared_ptr<ListenerState> listener = find();
    if (!network->passes(here(), *there) || (listener && listener->full())) {
      return later(again, [knock = *this]() mutable {
        knock.again *= 2;
        if (!knock.over()) knock.send();
      });
    }
    Result<std::shared_ptr<Connection>> answer = fail(Code::unreachable, text_of(address) + ": connect: connection refused");
    if (listener) {
      std::string name = address.is_unix() ? "unix:" : here().name() + ":" + std::to_string(network->free_port(here()));
      answer = network->connect(attempt->life, attempt->ended.loop(), std::move(name), *listener);
      listener->arrive(*answer);
    }
    if (network->passes(*there, here()))
      later(network->latency(*there, here()),
            [to = attempt, answer = std::move(answer)]() mutable { to->end(std::move(answer)); });
    else if (answer)
      (*answer)->close(0);   // the answer is lost, the attempt will time out, and its host knows of no connection
  }

  [[nodiscard]] std::shared_ptr<ListenerState> find() const {
    if (address.is_unix()) {
      auto it = network->paths.find({there->number(), address.path});
      return it == network->paths.end() ? nullptr : it->second;
    }
    auto it = network->ports.find({there->number(), address.port});
    if (it == network->ports.end()) return nullptr;
    const std::string& on = it->second->address().host;
    bool loopback = on == "localhost" || on == "127.0.0.1" || on == "::1";
    return loopback && &here() != there ? nullptr : it->second;
  }

  void later(Duration wait, rt::Callback callback) const {
    World& world = network->world();
    world.schedule(world.now() + wait, nullptr, Event::net, std::move(callback));
  }
};

class SimNet final : public Net {
 public:
  explicit SimNet(Life& life) : life_(life) {}

  rt::Task<Result<std::unique_ptr<Listener>>> listen(rt::Loop& loop, Address address) override {
    co_await rt::yield(loop);
    co_return listen_now(loop, std::move(address));
  }

  rt::Task<Result<std::unique_ptr<Stream>>> connect(rt::Loop& loop, Address address, Duration at_most) override {
    CHECK(rt::Loop::current() == &loop);
    if (life_.dead()) co_return fail(Code::cancelled, text_of(address) + ": the host is dead");
    Host* there = address.is_unix() ? &life_.host() : network().find_host(life_.host(), address.host);
    if (there == nullptr) {
      co_await rt::yield(loop);
      co_return fail(Code::unreachable, text_of(address) + ": no host of that name");
    }
    auto attempt = std::make_shared<Attempt>(life_, loop, text_of(address));
    network().remember(attempt);
    Knock knock{&network(), attempt, there, address, std::chrono::seconds(1)};
    knock.send();
    auto too_late = [attempt] { attempt->end(fail(Code::timeout, attempt->to + ": connect: no answer in time")); };
    World& world = life_.world();
    World::Key timer = world.schedule(world.now() + at_most, nullptr, Event::net, std::move(too_late));
    while (!attempt->result) co_await attempt->ended.wait();
    world.cancel(timer);
    if (!*attempt->result) co_return fail(attempt->result->error());
    co_return make_stream(**attempt->result, 0);
  }

 private:
  [[nodiscard]] Network& network() const { return life_.world().network(); }

  Result<std::unique_ptr<Listener>> listen_now(rt::Loop& loop, Address address) {
    if (life_.dead()) return fail(Code::cancelled, text_of(address) + ": the host is dead");
    const std::string &host = address.host, &name = life_.host().name();
    constexpr std::string_view mine[] = {"", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost"};
    if (!address.is_unix() && host != name && std::find(std::begin(mine), std::end(mine), host) == std::end(mine))
      return fail(Code::invalid, text_of(address) + ": listen: not an address of this host");
    std::uint64_t number = life_.host().number();
    if (!address.is_unix() && address.port == 0) address.port = network().free_port(life_.host());
    auto state = std::make_shared<ListenerState>(life_, loop, address);
    bool made = address.is_unix() ? network().paths.emplace(std::pair(number, address.path), state).second
                                  : network().ports.emplace(std::pair(number, address.port), state).second;
    if (!made) return fail(Code::busy, text_of(address) + ": listen: address already in use");
    return std::make_unique<SimListener>(network(), std::move(state));
  }

  Life& life_;
};

}  // namespace

std::unique_ptr<Net> make_net(Life& life) { return std::make_unique<SimNet>(life); }

}  // namespace lockstep::os::sim
