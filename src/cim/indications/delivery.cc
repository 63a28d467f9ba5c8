#include "cim/indications/delivery.h"

#include <utility>

#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

constexpr std::size_t destinations_most = 256;   // remembered with nothing to send

void set(Instance& indication, std::string_view name, Value value) {
  for (NamedValue& property : indication.properties)
    if (same_name(property.name, name)) property.value = std::move(value);
}

}  // namespace

Delivery::Delivery(os::Host& host, rt::Loop& loop, std::string system_name, const std::string& ca_pem, Limits limits, Failed failed)
    : loop_(loop), system_name_(std::move(system_name)), run_(std::to_string(host.random().u64())), exporter_{host, loop, ca_pem}, limits_(limits), failed_(std::move(failed)),
      senders_(loop) {}

void Delivery::queue(const Active& to, Instance indication) {
  if (senders_.stop().requested()) return;
  if (destinations_.size() >= destinations_most) std::erase_if(destinations_, [](const auto& one) { return !one.second->sending; });
  auto& destination = destinations_[to.destination];
  if (!destination) destination = std::make_unique<Destination>();
  set(indication, "IndicationFilterName", Value(Scalar(to.filter_name)));
  set(indication, "SequenceContext", Value(Scalar(system_name_ + ":" + run_ + ":" + os::text_of(to.listener.address))));
  set(indication, "SequenceNumber", Value(Scalar(destination->sequence++)));
  if (destination->waiting.size() >= limits_.queued_most) {
    // The first may be on its way just now.
    destination->waiting.erase(destination->waiting.begin() + (destination->waiting.size() > 1 ? 1 : 0));
    ++dropped_;
  }
  destination->waiting.push_back({to.key, to.listener, export_message(indication, next_id_++, system_name_)});
  if (destination->sending) return;
  destination->sending = true;
  senders_.spawn(send_all(destination.get()));
}

rt::Task<void> Delivery::send_all(Destination* destination) {
  unsigned tried = 0;
  while (!destination->waiting.empty() && !senders_.stop().requested()) {
    Waiting first = destination->waiting.front();
    Result<> sent = co_await exporter_.send(first.listener, first.message, senders_.stop());
    if (senders_.stop().requested()) break;
    if (sent) {
      ++delivered_;
      destination->waiting.pop_front();
      tried = 0;
      continue;
    }
    if (++tried >= limits_.attempts) {
      ++dropped_;
      destination->waiting.pop_front();
      tried = 0;
      co_await failed_(first.subscription);
      continue;
    }
    bool slept = co_await rt::sleep_for(loop_, limits_.interval, senders_.stop());
    if (!slept) break;
  }
  destination->sending = false;
}

rt::Task<void> Delivery::stop() { return senders_.stop_and_join(); }

std::size_t Delivery::queued() const {
  std::size_t count = 0;
  for (const auto& [key, destination] : destinations_) count += destination->waiting.size();
  return count;
}

}  // namespace lockstep::cim
