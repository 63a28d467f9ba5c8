// Subscriptions: filters, destinations and what binds them, made by clients in the interop name space and kept over restarts.
// Private to cim.
// Promises: what create, modify or remove returned well is on disk; a filter or destination that a subscription names cannot be removed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cim/indications/url.h"
#include "cim/ops/cursor.h"
#include "cim/provider.h"
#include "cim/query/query.h"

namespace lockstep::cim {

// A subscription that sends.
struct Active {
  std::string key;               // of the subscription
  std::string filter_name;
  std::shared_ptr<const Query> query;
  std::string destination;       // key of it
  ListenerUrl listener;
};

class Subscriptions {
 public:
  static constexpr std::size_t instances_most = 1000;

  Subscriptions(os::Host& host, rt::Loop& loop, std::string system_name, std::string path)
      : host_(host), loop_(loop), system_name_(std::move(system_name)), path_(std::move(path)), turn_(loop, 1), changed_(loop) {}

  // Filters, destinations, subscriptions: the classes whose instances live here.
  [[nodiscard]] static bool keeps(const Class& cls);

  rt::Task<Result<>> load();
  // The look with what is here added to it.
  [[nodiscard]] Look joined(Look system) const;

  rt::Task<CimAnswer<ObjectPath>> create(Instance instance);
  rt::Task<CimAnswer<>> modify(ObjectPath path, Instance instance, std::vector<std::string> properties);
  rt::Task<CimAnswer<>> remove(ObjectPath path);

  [[nodiscard]] std::vector<Active> active() const;
  // What OnFatalErrorPolicy of the subscription says: nothing, disabled, or gone.
  rt::Task<void> give_up(std::string key);
  rt::Task<void> drop_expired();
  [[nodiscard]] rt::Signal& changed() { return changed_; }

 private:
  using Instances = std::map<std::string, Instance>;   // by key_of
  CimAnswer<> complete(Instance& instance) const;
  CimAnswer<> check(const Instance& instance) const;
  rt::Task<CimAnswer<>> keep(Instances instances);
  [[nodiscard]] bool is_named(const std::string& key) const;

  os::Host& host_;
  rt::Loop& loop_;
  std::string system_name_;
  std::string path_;
  rt::Budget turn_;              // one change at a time
  rt::Signal changed_;
  std::shared_ptr<const Instances> instances_ = std::make_shared<const Instances>();
};

[[nodiscard]] std::string datetime_of(WallTime time);          // yyyymmddhhmmss.mmmmmm+000
[[nodiscard]] std::optional<WallTime> wall_time_of(const DateTime& time);   // of what datetime_of made

}  // namespace lockstep::cim
