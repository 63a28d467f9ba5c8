// The system's pools: which there are, open or why not, and a hold on those in use. Private to manage.
// Promises: a pool that does not open stays listed with its error and troubles no other; a pool is not closed while a call holds it.
// Lives on the control loop; each pool on a loop of its own.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "manage/book.h"
#include "manage/manage.h"
#include "manage/refusal.h"

namespace lockstep::manage {

class PoolSet final : public replica::Pools {
 public:
  struct Entry {
    Entry(rt::Loop& control, std::string the_name, std::string the_path, Bytes the_capacity)
        : name(std::move(the_name)), path(std::move(the_path)), capacity(the_capacity), released(control) {}
    std::string name;
    std::string path;
    Bytes capacity;
    rt::Loop* loop = nullptr;
    std::unique_ptr<pool::Pool> pool;    // none: not open
    PoolId id;                           // of an open pool
    std::optional<Error> error;
    bool closing = false;
    std::size_t holders = 0;
    rt::Signal released;
  };

  // A pool in use by a call.
  class Hold {
   public:
    explicit Hold(Entry& entry) : entry_(&entry) { ++entry_->holders; }
    Hold(Hold&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~Hold() {
      if (entry_ && --entry_->holders == 0) entry_->released.wake_all();
    }
    [[nodiscard]] pool::Pool& pool() const { return *entry_->pool; }
    [[nodiscard]] rt::Loop& loop() const { return *entry_->loop; }
    [[nodiscard]] const std::string& name() const { return entry_->name; }
    [[nodiscard]] PoolId id() const { return entry_->id; }
    [[nodiscard]] const std::string& path() const { return entry_->path; }

   private:
    Entry* entry_;
  };

  PoolSet(os::Host& host, rt::Loop& control, Book& book, std::string directory, pool::Options options, Options::OpenPool open_pool);

  // Opens whatever the book lists; what fails is kept with its error.
  rt::Task<Result<>> load();
  rt::Task<Answer<>> create(std::string name, std::string path, Bytes capacity);
  // Nobody may hold it any more. `engine` is told first. The files stay.
  rt::Task<Answer<>> remove(std::string name, replica::Engine& engine);
  // Cleanly, all; then their loops end.
  rt::Task<void> close_all();

  [[nodiscard]] Answer<Hold> hold(std::string_view name, std::string parameter);
  [[nodiscard]] std::vector<Hold> hold_all();
  [[nodiscard]] const std::list<Entry>& entries() const { return entries_; }

  // replica::Pools
  [[nodiscard]] std::vector<pool::Pool*> pools() override;
  [[nodiscard]] pool::Pool* find(PoolId id) override;
  [[nodiscard]] pool::Pool* find(std::string_view name) override;

 private:
  rt::Task<Result<>> open(Entry* entry, bool create);
  rt::Task<void> open_listed(Entry* entry);
  rt::Task<Result<>> close(Entry* entry);
  [[nodiscard]] Entry* entry_of(std::string_view name);

  os::Host& host_;
  rt::Loop& control_;
  Book& book_;
  std::string directory_;
  pool::Options options_;
  Options::OpenPool open_pool_;
  std::list<Entry> entries_;
  std::list<Entry> removed_;   // closed, kept until the end: nobody's pointer dangles
};

}  // namespace lockstep::manage
