#include "os/sim/listener.h"

namespace lockstep::os::sim {
namespace {

class SimStream final : public Stream {
 public:
  SimStream(std::shared_ptr<Connection> connection, int side) : connection_(std::move(connection)), side_(side) {}
  ~SimStream() override {
    CHECK(in_flight_ == 0);
    connection_->close(side_);
  }

  rt::Task<Result<std::size_t>> read_some(MutSpan into) override {
    InFlight here(*this);
    if (life().rng().chance(100)) co_await rt::yield(connection_->loop(side_));   // nobody is to rely on an answer at once
    for (;;) {
      Result<std::optional<std::size_t>> n = connection_->take(side_, into);
      if (!n) co_return fail(std::move(n).error());
      if (*n) co_return **n;
      co_await connection_->readable(side_).wait();
    }
  }

  Result<std::optional<std::size_t>> try_read(MutSpan into) override {
    check_turn();
    return connection_->take(side_, into);
  }

  rt::Task<Result<>> write(std::vector<Span> parts) override {
    InFlight here(*this);
    CHECK(!writing_);   // one writer at a time
    writing_ = true;
    Result<> done;
    for (std::size_t i = 0; i < parts.size() && done;) {
      Result<std::size_t> n = connection_->send(side_, parts[i]);
      if (!n) {
        done = fail(std::move(n).error());
      } else if (*n == parts[i].size()) {
        ++i;
      } else {
        parts[i] = parts[i].subspan(*n);
        co_await connection_->writable(side_).wait();
      }
    }
    writing_ = false;
    co_return done;
  }

  Result<std::size_t> try_write(std::span<const Span> parts) override {
    check_turn();
    CHECK(!writing_);
    std::size_t sent = 0;
    for (Span part : parts) {
      TRY(std::size_t n, connection_->send(side_, part));
      sent += n;
      if (n < part.size()) break;
    }
    return sent;
  }

  void close() override { connection_->close(side_); }
  void move_to(rt::Loop& loop) override {
    CHECK(in_flight_ == 0);
    connection_->move_to(side_, loop);
  }
  [[nodiscard]] std::string peer_name() const override { return connection_->name(1 - side_); }
  [[nodiscard]] std::optional<unsigned> peer_uid() const override {
    if (!connection_->is_unix()) return std::nullopt;
    return 0u;
  }

 private:
  struct InFlight {
    explicit InFlight(SimStream& stream) : stream_(stream) {
      stream_.check_turn();
      ++stream_.in_flight_;
    }
    ~InFlight() { --stream_.in_flight_; }
    SimStream& stream_;
  };
  [[nodiscard]] Life& life() const { return connection_->life(side_); }
  // It belongs to its loop. (A test may look between events.)
  void check_turn() const {
    rt::Loop* now = rt::Loop::current();
    CHECK(now == nullptr || now == &connection_->loop(side_));
  }

  std::shared_ptr<Connection> connection_;
  int side_;
  int in_flight_ = 0;
  bool writing_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_stream(std::shared_ptr<Connection> connection, int side) {
  return std::make_unique<SimStream>(std::move(connection), side);
}

}  // namespace lockstep::os::sim
