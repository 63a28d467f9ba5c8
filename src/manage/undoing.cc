#include "manage/undoing.h"

#include <algorithm>
#include <utility>

namespace lockstep::manage {

namespace {

class Undoing final : public Work {
 public:
  Undoing(std::unique_ptr<Work> work, Storage& storage, std::vector<std::string> groups) : work_(std::move(work)), storage_(storage), groups_(std::move(groups)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    Answer<> done = co_await work_->run(job);
    if (done) co_return done;
    for (const std::string& group : groups_) ignore(co_await storage_.delete_group(group), "it is in use, or gone already");
    co_return done;
  }

 private:
  std::unique_ptr<Work> work_;
  Storage& storage_;
  std::vector<std::string> groups_;
};

class Clearing final : public Work {
 public:
  Clearing(std::unique_ptr<Work> work, Storage& storage, std::vector<std::string> groups) : work_(std::move(work)), storage_(storage), groups_(std::move(groups)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    Answer<> done = co_await work_->run(job);
    if (!done) co_return done;
    std::vector<GroupInfo> groups = co_await storage_.groups();
    std::vector<SnapshotInfo> snapshots = co_await storage_.snapshots();
    for (const GroupInfo& info : groups) {
      if (std::ranges::find(groups_, text_of(info.row.id)) == groups_.end()) continue;
      bool held = !info.relationships.empty() || info.rewind.time != Duration{0} ||
                  std::ranges::any_of(snapshots, [&](const SnapshotInfo& snapshot) { return snapshot.row.group == info.row.id; });
      if (!held) ignore(co_await storage_.delete_group(text_of(info.row.id)), "the relationship has ended: that is what was asked for");
    }
    co_return done;
  }

 private:
  std::unique_ptr<Work> work_;
  Storage& storage_;
  std::vector<std::string> groups_;
};

}  // namespace

std::unique_ptr<Work> undoing(std::unique_ptr<Work> work, Storage& storage, std::vector<std::string> groups) {
  if (groups.empty()) return work;
  return std::make_unique<Undoing>(std::move(work), storage, std::move(groups));
}

std::unique_ptr<Work> clearing(std::unique_ptr<Work> work, Storage& storage, std::vector<std::string> groups) {
  return std::make_unique<Clearing>(std::move(work), storage, std::move(groups));
}

}  // namespace lockstep::manage
