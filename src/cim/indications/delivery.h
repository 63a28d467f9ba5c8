// Delivery: what is to be told, for each destination in order, tried again when it does not get through. Private to cim.
// Promises: no destination waits for another; each holds a bounded number, beyond it the oldest go and a number is missing in the sequence.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cim/indications/export.h"
#include "cim/indications/subscriptions.h"

namespace lockstep::cim {

class Delivery {
 public:
  struct Limits {
    std::size_t queued_most = 1000;
    unsigned attempts = 4;
    Duration interval = std::chrono::seconds(20);
  };
  // `failed` is told the subscription whose destination did not answer to the last attempt.
  using Failed = std::function<rt::Task<void>(std::string subscription)>;
  Delivery(os::Host& host, rt::Loop& loop, std::string system_name, const std::string& ca_pem, Limits limits, Failed failed);

  void queue(const Active& to, Instance indication);
  rt::Task<void> stop();
  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    std::string subscription;
    ListenerUrl listener;
    std::string message;
  };
  struct Destination {
    std::deque<Waiting> waiting;
    std::int64_t sequence = 0;
    bool sending = false;
  };
  rt::Task<void> send_all(Destination* destination);

  rt::Loop& loop_;
  std::string system_name_;
  std::string run_;               // tells this run's sequences from those of others
  Exporter exporter_;
  Limits limits_;
  Failed failed_;
  std::uint64_t next_id_ = 1;
  std::uint64_t delivered_ = 0, dropped_ = 0;
  std::map<std::string, std::unique_ptr<Destination>> destinations_;
  rt::Scope senders_;
};

}  // namespace lockstep::cim
