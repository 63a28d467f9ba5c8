// Book: the system's own SQLite file. Accounts, peers, relationships, jobs, events, pools and settings; never a word about data.
// Lives on the control loop; SQLite runs on workers, one job at a time, in the order asked. Private to manage.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "db/db.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::manage {

class Book {
 public:
  // Reads or writes, inside one transaction: an error rolls all of it back.
  using Job = std::move_only_function<Result<>(db::Connection&)>;

  // `host` and `loop` must outlive the book.
  static rt::Task<Result<std::unique_ptr<Book>>> open(os::Host& host, rt::Loop& loop, std::string path);

  rt::Task<Result<>> run(Job job);

  // Settings: small texts by name.
  rt::Task<Result<std::optional<std::string>>> setting(std::string name);
  rt::Task<Result<>> set_setting(std::string name, std::string value);

  // After it nothing runs. Must be called before the end.
  rt::Task<void> close();

 private:
  Book(rt::Loop& loop, std::unique_ptr<db::Database> database) : loop_(loop), turn_(loop, 1), database_(std::move(database)) {}
  rt::Loop& loop_;
  rt::Budget turn_;
  std::unique_ptr<db::Database> database_;
};

}  // namespace lockstep::manage
