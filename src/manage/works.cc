#include "manage/works.h"

#include <utility>

#include "manage/refusal.h"

namespace lockstep::manage {

namespace {

// For what must go on although the job was cancelled.
class Unstoppable final : public replica::Watcher {
 public:
  void progress(Bytes, Bytes) override {}
  rt::Stop& stop() override { return stop_; }

 private:
  rt::Stop stop_;
};

std::string name_in(replica::Engine& engine, RelationshipId id) {
  for (const replica::Report& report : engine.reports())
    if (report.relationship.id == id) return report.relationship.name;
  return text_of(id);
}

bool exists(replica::Engine& engine, RelationshipId id) {
  for (const replica::Report& report : engine.reports())
    if (report.relationship.id == id) return true;
  return false;
}

// Which of the names asked for is taken already: the volumes there are named after the relationship.
std::string name_taken(const Error& error) {
  return error.message.find("a group '") == std::string::npos ? "RelationshipName" : "TargetGroup";
}

class Creating final : public Work {
 public:
  Creating(replica::Engine& engine, replica::CreateRequest request) : engine_(engine), request_(std::move(request)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    std::string name = request_.name;
    Result<RelationshipId> id = co_await engine_.create(std::move(request_));
    if (!id) co_return refuse(id.error(), id.error().code == Code::exists ? name_taken(id.error()) : name);
    Result<replica::Report> report = co_await engine_.report(*id);
    job.set_object(report ? report->relationship.name : name_in(engine_, *id));
    job.set_result(report ? report->relationship.name : name_in(engine_, *id));
    Awaited awaited;
    awaited.relationship = *id;
    awaited.states.push_back(replica::CopyState::synchronized);
    job.set_awaited(awaited);
    job.reached();
    Result<> done = co_await engine_.await_state(*id, awaited.states, job);
    if (done) co_return Answer<>{};
    if (done.error().code == Code::cancelled && job.cancelled()) {
      Unstoppable watcher;
      ignore(co_await engine_.operate(*id, replica::Operation::abort, watcher), "it may have ended, or gone, just now");
    }
    co_return refuse(done.error(), name);
  }

 private:
  replica::Engine& engine_;
  replica::CreateRequest request_;
};

class Operating final : public Work {
 public:
  Operating(replica::Engine& engine, RelationshipId id, std::string name, replica::Operation operation, std::optional<Awaited> awaited)
      : engine_(engine), id_(id), name_(std::move(name)), operation_(operation), awaited_(std::move(awaited)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    if (awaited_) job.set_awaited(*awaited_);
    Result<> done = co_await engine_.operate(id_, operation_, job);
    if (!done) co_return refuse(done.error(), name_);
    co_return Answer<>{};
  }

 private:
  replica::Engine& engine_;
  RelationshipId id_;
  std::string name_;
  replica::Operation operation_;
  std::optional<Awaited> awaited_;
};

class Verifying final : public Work {
 public:
  Verifying(replica::Engine& engine, RelationshipId id, std::string name, replica::VerifyRequest request) : engine_(engine), id_(id), name_(std::move(name)), request_(request) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    Result<replica::VerifyReport> report = co_await engine_.verify(id_, request_, job);
    if (!report) co_return refuse(report.error(), name_);
    job.set_result(replica::text_of(*report));
    co_return Answer<>{};
  }

 private:
  replica::Engine& engine_;
  RelationshipId id_;
  std::string name_;
  replica::VerifyRequest request_;
};

class Awaiting final : public Work {
 public:
  Awaiting(replica::Engine& engine, Awaited awaited) : engine_(engine), awaited_(std::move(awaited)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    bool there = exists(engine_, awaited_.relationship);
    if (awaited_.states.empty()) {
      if (!there) co_return Answer<>{};
      co_return wrong_state(name_in(engine_, awaited_.relationship), "the system was restarted before the relationship had ended", "Ask for it again.");
    }
    job.set_awaited(awaited_);
    Result<> done = co_await engine_.await_state(awaited_.relationship, awaited_.states, job);
    if (!done) co_return refuse(done.error(), name_in(engine_, awaited_.relationship));
    co_return Answer<>{};
  }

 private:
  replica::Engine& engine_;
  Awaited awaited_;
};

}  // namespace

std::unique_ptr<Work> creating(replica::Engine& engine, replica::CreateRequest request) { return std::make_unique<Creating>(engine, std::move(request)); }

std::unique_ptr<Work> operating(replica::Engine& engine, RelationshipId relationship, std::string name, replica::Operation operation, std::optional<Awaited> awaited) {
  return std::make_unique<Operating>(engine, relationship, std::move(name), operation, std::move(awaited));
}

std::unique_ptr<Work> verifying(replica::Engine& engine, RelationshipId relationship, std::string name, replica::VerifyRequest request) {
  return std::make_unique<Verifying>(engine, relationship, std::move(name), request);
}

std::unique_ptr<Work> awaiting(replica::Engine& engine, Awaited awaited) { return std::make_unique<Awaiting>(engine, std::move(awaited)); }

}  // namespace lockstep::manage
