// Listening and connecting. Private to os/sim.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "os/sim/connection.h"
#include "os/sim/life.h"
#include "os/stream.h"

namespace lockstep::os::sim {

// Where connections arrive; the network finds it by its address.
class ListenerState {
 public:
  ListenerState(Life& life, rt::Loop& loop, Address address) : life_(life), address_(std::move(address)), arrived_(loop) {}

  [[nodiscard]] Life& life() const { return life_; }
  [[nodiscard]] rt::Loop& loop() const { return arrived_.loop(); }
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool full() const { return waiting_.size() >= 128; }
  void arrive(std::shared_ptr<Connection> connection);
  void close();   // those who were not accepted are refused
  rt::Task<std::shared_ptr<Connection>> accept();   // nothing once closed

 private:
  Life& life_;
  Address address_;
  rt::Signal arrived_;
  std::deque<std::shared_ptr<Connection>> waiting_;
  bool closed_ = false;
};

// One connect() on its way.
struct Attempt {
  Attempt(Life& of, rt::Loop& loop, std::string address) : life(of), to(std::move(address)), ended(loop) {}
  void end(Result<std::shared_ptr<Connection>> how);   // the first end counts

  Life& life;
  std::string to;
  rt::Signal ended;
  std::optional<Result<std::shared_ptr<Connection>>> result;
};

std::unique_ptr<Stream> make_stream(std::shared_ptr<Connection> connection, int side);

}  // namespace lockstep::os::sim
