// Watcher: looks at the system whenever manage says that something happened, and tells subscribers what is different. Private to cim.
// Costs nothing while nobody is subscribed.
#pragma once

#include "cim/cim.h"
#include "cim/indications/compare.h"
#include "cim/indications/delivery.h"
#include "cim/indications/faults.h"
#include "cim/indications/subscriptions.h"

namespace lockstep::cim {

class Watcher {
 public:
  // `options` must outlive it too.
  Watcher(os::Host& host, rt::Loop& loop, manage::System& system, Provider& provider, Subscriptions& subscriptions, const Options& options);

  void start() { scope_.spawn(run()); }
  rt::Task<void> stop();
  [[nodiscard]] const Delivery& delivery() const { return delivery_; }

 private:
  rt::Task<void> run();
  rt::Task<void> compare(std::vector<Active> active);
  rt::Task<void> failed(std::string subscription) { return subscriptions_.give_up(std::move(subscription)); }
  void tell(const std::vector<Active>& active, const Instance& indication);

  rt::Loop& loop_;
  manage::System& system_;
  Provider& provider_;
  Subscriptions& subscriptions_;
  const Options& options_;
  Delivery delivery_;
  // What was known when it was looked at last, and of which classes.
  std::set<const Class*> watched_;
  Seen seen_;
  Faults faults_;
  bool looked_ = false;
  rt::Scope scope_;
};

}  // namespace lockstep::cim
