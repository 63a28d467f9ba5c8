#include "manage/rewinds.h"

#include <charconv>

#include "manage/refusal.h"
#include "manage/room.h"
#include "manage/storage.h"

namespace lockstep::manage {

namespace {

constexpr Duration window_most = std::chrono::hours(24 * 366);

std::string words_of(replica::RewindWindow window) {
  if (window.time == Duration{0}) return "no rewind window";
  std::string text = "rewind window of " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(window.time).count()) + " s";
  return window.bytes.value == 0 ? text : text + ", " + std::to_string(window.bytes.value) + " bytes of journal";
}

// "90s", "10m", "1.5h", "2d".
std::optional<double> seconds_in(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc{} || !(number >= 0) || number > 1e9) return std::nullopt;
  if (unit == "s") return number;
  if (unit == "m") return number * 60;
  if (unit == "h") return number * 3600;
  if (unit == "d") return number * 86400;
  return std::nullopt;
}

class RewindWork final : public Work {
 public:
  RewindWork(replica::Rewind& rewind, PoolSet::Hold hold, replica::RewindRequest request, std::function<void(const replica::Rewound&)> made)
      : rewind_(rewind), hold_(std::move(hold)), request_(std::move(request)), made_(std::move(made)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    job.set_result(hold_.name() + "/" + request_.name);
    Result<replica::Rewound> done = co_await rewind_.open(request_, job);
    if (!done) co_return refuse(done.error(), done.error().code == Code::exists ? "Name" : "To");
    made_(*done);
    co_return Answer<>{};
  }

 private:
  replica::Rewind& rewind_;
  PoolSet::Hold hold_;   // the pool stays open while it runs
  replica::RewindRequest request_;
  std::function<void(const replica::Rewound&)> made_;
};

}  // namespace

Answer<replica::RewindTo> parse_point(std::string_view text, WallTime now) {
  replica::RewindTo to;
  constexpr std::string_view ago = " ago";
  if (text == "latest") {
    to.latest = true;
    return to;
  }
  if (text.starts_with('@')) {
    to.position = text;
    return to;
  }
  if (text.ends_with(ago)) {
    if (auto seconds = seconds_in(text.substr(0, text.size() - ago.size()))) {
      to.time = WallTime{now.us - static_cast<std::int64_t>(*seconds * 1e6)};
      return to;
    }
  }
  to.time = parse_time(text);
  if (to.time) return to;
  return bad_parameter("To", "'" + std::string(text) + "' is no point in a history",
                       "Write a time with its offset (2026-01-31T12:00:00Z), an age (10m ago), a position (@1a2b3c4d:77) or latest.");
}

rt::Task<Answer<>> Rewinds::set_window(std::string group, std::optional<Duration> time, std::optional<Bytes> bytes) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(group), "Group"));
  Result<replica::RecoveryPoints> known = co_await rewind_.points(at.hold.id(), at.row.id);
  if (!known) co_return refuse(known.error(), at.row.name);
  replica::RewindWindow window = known->window;
  if (time) window.time = *time;
  if (bytes) window.bytes = *bytes;
  if (window.time < Duration{0} || window.time > window_most) co_return bad_parameter("RewindWindowSeconds", "that is no length of a rewind window", "Give 0 (none) to a year.");
  if (window.time == Duration{0} && bytes && bytes->value > 0) co_return bad_parameter("RewindBytes", "group '" + at.row.name + "' has no rewind window that could hold them", "Give RewindWindowSeconds too.");
  if (window.bytes.value > 0 && window.bytes < 1_MiB) co_return bad_parameter("RewindBytes", std::to_string(window.bytes.value) + " bytes of journal hold next to nothing", "Give 1 MiB or more, or 0 for what the pool gives any follower.");
  if (window.time == Duration{0}) window.bytes = Bytes{0};
  if (window.time == known->window.time && window.bytes == known->window.bytes) co_return Answer<>{};
  Result<> done = co_await rewind_.set_window(at.hold.id(), at.row.id, window);
  if (!done) co_return refuse(done.error(), at.row.name);
  tell("Changed", at.hold.name() + "/" + at.row.name, words_of(known->window), words_of(window));
  co_return Answer<>{};
}

rt::Task<Answer<GroupPoints>> Rewinds::points(std::string group) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(group), "Group"));
  Result<replica::RecoveryPoints> known = co_await rewind_.points(at.hold.id(), at.row.id);
  if (!known) co_return refuse(known.error(), at.row.name);
  co_return GroupPoints{at.hold.name(), at.row.name, *std::move(known)};
}

rt::Task<Answer<Rewinds::Asked>> Rewinds::ask(std::string group, std::string to, std::string name) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(group), "Group"));
  CO_ASK(replica::RewindTo point, parse_point(to, loop_.clock().wall()));
  if (name.empty()) name = at.row.name + "-" + time_name(loop_.clock().wall());
  if (!good_name(name)) co_return bad_parameter("Name", "'" + name + "' is no name for a group", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.");
  replica::RewindRequest request{at.hold.id(), at.row.id, std::move(point), std::move(name)};
  co_return Asked{std::move(at.hold), at.row.name, std::move(request)};
}

rt::Task<Answer<replica::RewindForecast>> Rewinds::forecast(std::string group, std::string to, std::string name) {
  CO_ASK(Asked asked, co_await ask(std::move(group), std::move(to), std::move(name)));
  Result<replica::RewindForecast> forecast = co_await rewind_.forecast(asked.request);
  if (!forecast) co_return refuse(forecast.error(), "To");
  co_return *std::move(forecast);
}

rt::Task<Answer<Outcome>> Rewinds::open(std::string group, std::string to, std::string name) {
  CO_ASK(Asked asked, co_await ask(std::move(group), to, std::move(name)));
  CO_ASK_VOID(co_await room_for(asked.hold, "a group at a point of a history"));
  const std::string object = asked.hold.name() + "/" + asked.group;
  const std::string made = asked.hold.name() + "/" + asked.request.name;
  auto tell_made = [this, made](const replica::Rewound& done) { tell("Created", made, "", "as of " + text_of(done.time) + " " + text_of(done.position)); };
  auto work = std::make_unique<RewindWork>(rewind_, std::move(asked.hold), std::move(asked.request), std::move(tell_made));
  std::string what = "Rewind " + object + " to " + to;
  co_return co_await jobs_.run(std::move(what), object, std::move(work), Jobs::Patience{std::chrono::seconds(1), Duration{0}});
}

void Rewinds::tell(std::string kind, std::string object, std::string before, std::string after) {
  Event event;
  event.kind = std::move(kind);
  event.object_type = "Group";
  event.object = std::move(object);
  event.before = std::move(before);
  event.after = std::move(after);
  events_.emit(std::move(event));
}

}  // namespace lockstep::manage
