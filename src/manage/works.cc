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

// Which parameter an error of the engine is about.
std::string parameter_of(const Error& error, bool group_named, std::string name) {
  bool of_group = error.code == Code::invalid || error.code == Code::busy;
  if (group_named && of_group) return "TargetGroupObject";
  return error.code == Code::exists ? "RelationshipName" : std::move(name);   // groups and volumes that are made are named after it
}

// The relationship exists: until what the caller asked for is true, or he gives up.
rt::Task<Answer<>> see_through(replica::Engine& engine, RelationshipId id, std::string name, JobHandle& job) {
  Result<replica::Report> report = co_await engine.report(id);   // a clone within one pool is complete, and so gone, already
  if (report) name = report->relationship.name;
  if (name.empty()) name = text_of(id);
  job.set_object(name);
  job.set_result(name);
  Awaited awaited;
  awaited.relationship = id;
  awaited.states.push_back(replica::CopyState::synchronized);
  job.set_awaited(awaited);
  job.reached();
  Result<> done = co_await engine.await_state(id, awaited.states, job);
  if (done) co_return Answer<>{};
  if (done.error().code == Code::cancelled && job.cancelled()) {
    Unstoppable watcher;
    ignore(co_await engine.operate(id, replica::Operation::abort, watcher), "it may have ended, or gone, just now");
  }
  co_return refuse(done.error(), name);
}

class Creating final : public Work {
 public:
  Creating(replica::Engine& engine, replica::CreateRequest request) : engine_(engine), request_(std::move(request)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    std::string name = request_.name;
    bool group_named = !request_.target_group.empty();
    Result<RelationshipId> id = co_await engine_.create(std::move(request_));
    if (!id) co_return refuse(id.error(), parameter_of(id.error(), group_named, std::move(name)));
    co_return co_await see_through(engine_, *id, std::move(name), job);
  }

 private:
  replica::Engine& engine_;
  replica::CreateRequest request_;
};

class UsingToken final : public Work {
 public:
  UsingToken(replica::Engine& engine, replica::TokenUse use) : engine_(engine), use_(std::move(use)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    std::string name = use_.name;
    bool group_named = !use_.target_group.empty();
    Result<RelationshipId> id = co_await engine_.use_token(std::move(use_));
    if (!id) {
      const Error& error = id.error();
      bool bad_token = error.code == Code::denied || (error.code == Code::invalid && !group_named);
      co_return refuse(error, bad_token ? "Token" : parameter_of(error, group_named, std::move(name)));
    }
    co_return co_await see_through(engine_, *id, std::move(name), job);
  }

 private:
  replica::Engine& engine_;
  replica::TokenUse use_;
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

class OperatingPairs final : public Work {
 public:
  OperatingPairs(replica::Engine& engine, RelationshipId id, std::string name, replica::Operation operation, std::vector<VolumeUuid> volumes)
      : engine_(engine), id_(id), name_(std::move(name)), operation_(operation), volumes_(std::move(volumes)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    std::vector<VolumeUuid> volumes = volumes_;
    Result<std::vector<std::string>> made = co_await engine_.operate_pairs(id_, operation_, std::move(volumes), job);
    if (!made) co_return refuse(made.error(), name_);
    std::string names;
    for (const std::string& name : *made) names += (names.empty() ? "" : ", ") + name;
    job.set_result(names);
    co_return Answer<>{};
  }

 private:
  replica::Engine& engine_;
  RelationshipId id_;
  std::string name_;
  replica::Operation operation_;
  std::vector<VolumeUuid> volumes_;
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

std::unique_ptr<Work> using_token(replica::Engine& engine, replica::TokenUse use) { return std::make_unique<UsingToken>(engine, std::move(use)); }

std::unique_ptr<Work> operating(replica::Engine& engine, RelationshipId relationship, std::string name, replica::Operation operation, std::optional<Awaited> awaited) {
  return std::make_unique<Operating>(engine, relationship, std::move(name), operation, std::move(awaited));
}

std::unique_ptr<Work> operating_pairs(replica::Engine& engine, RelationshipId relationship, std::string name, replica::Operation operation, std::vector<VolumeUuid> volumes) {
  return std::make_unique<OperatingPairs>(engine, relationship, std::move(name), operation, std::move(volumes));
}

std::unique_ptr<Work> verifying(replica::Engine& engine, RelationshipId relationship, std::string name, replica::VerifyRequest request) {
  return std::make_unique<Verifying>(engine, relationship, std::move(name), request);
}

std::unique_ptr<Work> awaiting(replica::Engine& engine, Awaited awaited) { return std::make_unique<Awaiting>(engine, std::move(awaited)); }

}  // namespace lockstep::manage
