// Events: plain ones below Oem.Lockstep, Redfish's over server-sent events.
#include <algorithm>
#include <charconv>

#include "rest/call.h"

namespace lockstep::rest {

namespace {

std::uint64_t number_in(const std::string* text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

json::object event_body(const manage::Event& event) {
  json::object body;
  body["Number"] = event.number;
  body["Time"] = time_text(event.time);
  body["Severity"] = manage::name_of(event.severity);
  body["Kind"] = event.kind;
  body["ObjectType"] = event.object_type;
  body["Object"] = event.object;
  body["Before"] = event.before;
  body["After"] = event.after;
  body["Cause"] = event.cause;
  return body;
}

std::string path_of(const manage::Event& event) {
  manage::PoolAndName name = manage::split_name(event.object);
  if (event.object_type == "Relationship") return relationship_path(event.object);
  if (event.object_type == "Volume") return volume_path(name.pool, name.name);
  if (event.object_type == "Group") return group_path(name.pool, name.name);
  if (event.object_type == "Pool") return pool_path(event.object);
  if (event.object_type == "Peer") return peer_path(event.object);
  if (event.object_type == "Job") return task_path(event.object);
  return std::string(oem_path);
}

std::string message_id_of(const manage::Event& event) {
  if (event.kind == "Created") return "ResourceEvent.1.3.ResourceCreated";
  if (event.kind == "Deleted") return "ResourceEvent.1.3.ResourceRemoved";
  if (event.kind == "Changed") return "ResourceEvent.1.3.ResourceChanged";
  return "Lockstep.1.0.StateChanged";
}

json::object redfish_event(const manage::Event& event) {
  std::string id = std::to_string(event.number);
  json::object record;
  record["EventId"] = id;
  record["MemberId"] = "0";
  record["EventTimestamp"] = time_text(event.time);
  record["MessageId"] = message_id_of(event);
  std::string text = event.object_type + " " + event.object + ": " + event.kind;
  if (!event.after.empty()) text += " " + (event.before.empty() ? "" : event.before + " -> ") + event.after;
  if (!event.cause.empty()) text += " (" + event.cause + ")";
  record["Message"] = text;
  record["MessageArgs"] = json::array{json::value(event.object), json::value(event.kind), json::value(event.after)};
  record["MessageSeverity"] = event.severity == manage::Severity::information ? "OK" : manage::name_of(event.severity);
  record["OriginOfCondition"] = link(path_of(event));
  record["Oem"] = {{"Lockstep", event_body(event)}};
  json::object body;
  body["@odata.type"] = "#Event.v1_9_0.Event";
  body["Id"] = id;
  body["Name"] = "Event";
  body["Events"] = json::array{std::move(record)};
  return body;
}

// What happens from now on, or from Last-Event-ID; a comment every now and then keeps connections open.
class EventPieces final : public http::Pieces {
 public:
  EventPieces(manage::System& system, rt::Loop& loop, std::uint64_t after) : system_(system), loop_(loop), after_(after), quiet_since_(loop.clock().now()) {}

  rt::Task<std::optional<std::string>> next(rt::Stop& stop) override {
    if (!greeted_) {
      greeted_ = true;
      co_return ":lockstep\n\n";
    }
    while (!stop.requested()) {
      std::vector<manage::Event> events = co_await system_.wait_events(after_, std::chrono::seconds(1));
      if (!events.empty()) {
        std::string out;
        for (const manage::Event& event : events) out += "id: " + std::to_string(event.number) + "\ndata: " + text_of_json(redfish_event(event)) + "\n\n";
        after_ = events.back().number;
        quiet_since_ = loop_.clock().now();
        co_return out;
      }
      if (loop_.clock().now() - quiet_since_ > std::chrono::seconds(15)) {
        quiet_since_ = loop_.clock().now();
        co_return ":\n\n";
      }
      // After end_waits() the wait is none: do not spin.
      bool slept = co_await rt::sleep_for(loop_, std::chrono::milliseconds(1), stop);
      if (!slept) break;
    }
    co_return std::nullopt;
  }

 private:
  manage::System& system_;
  rt::Loop& loop_;
  std::uint64_t after_;
  Instant quiet_since_;
  bool greeted_ = false;
};

rt::Task<Reply> get_service(Call&) {
  json::object body;
  body["@odata.id"] = "/redfish/v1/EventService";
  body["@odata.type"] = "#EventService.v1_10_1.EventService";
  body["Id"] = "EventService";
  body["Name"] = "Events";
  body["ServiceEnabled"] = true;
  body["ServerSentEventUri"] = "/redfish/v1/EventService/SSE";
  body["EventFormatTypes"] = json::array{"Event"};
  body["RegistryPrefixes"] = json::array{"ResourceEvent", "Lockstep"};
  body["ResourceTypes"] = json::array{"Volume", "ConsistencyGroup", "StoragePool", "Task"};
  body["Subscriptions"] = link("/redfish/v1/EventService/Subscriptions");
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  co_return ok(std::move(body));
}

rt::Task<Reply> get_subscriptions(Call& call) {
  co_return collection(call, "EventDestinationCollection", "Subscriptions", "/redfish/v1/EventService/Subscriptions", {});
}

rt::Task<Reply> get_sse(Call& call) {
  const std::string* last = call.request.field("Last-Event-ID");
  std::uint64_t after = last ? number_in(last) : call.system.last_event();
  Reply reply;
  reply.raw.emplace();
  reply.raw->set("Content-Type", "text/event-stream");
  reply.raw->set("Cache-Control", "no-cache");
  reply.raw->set("OData-Version", "4.0");
  reply.raw->pieces = std::make_unique<EventPieces>(call.system, call.loop, after);
  co_return reply;
}

rt::Task<Reply> get_events(Call& call) {
  std::uint64_t after = number_in(call.request.parameter("after"));
  std::uint64_t most = number_in(call.request.parameter("most"));
  if (most == 0 || most > 1000) most = 1000;
  Duration wait = wait_of(call.request);
  std::vector<manage::Event> events = call.system.events(after, most);
  if (events.empty() && wait > Duration{0}) {
    events = co_await call.system.wait_events(after, wait);
    if (events.size() > most) events.resize(most);
  }
  json::array list;
  for (const manage::Event& event : events) list.push_back(event_body(event));
  json::object body;
  body["Last"] = events.empty() ? std::max(after, call.system.last_event()) : events.back().number;
  body["Events"] = std::move(list);
  co_return ok(std::move(body));
}

constexpr Route routes[] = {
    {.pattern = "EventService", .get = get_service},
    {.pattern = "EventService/Subscriptions", .get = get_subscriptions},
    {.pattern = "EventService/SSE", .get = get_sse},
    {.pattern = "Oem/Lockstep/Events", .get = get_events},
};

}  // namespace

std::span<const Route> event_routes() { return routes; }

}  // namespace lockstep::rest
