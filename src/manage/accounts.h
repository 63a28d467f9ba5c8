// Accounts: who may do what. Private to manage.
// Promises: a password is kept as a scrypt hash only; a wrong name takes as long as a wrong password; no number of wrong attempts
//           locks anybody out; the last enabled administrator stays.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manage/book.h"
#include "manage/model.h"
#include "manage/password.h"

namespace lockstep::manage {

class Accounts {
 public:
  Accounts(os::Host& host, rt::Loop& loop, Book& book, unsigned log2_n, unsigned at_once);

  rt::Task<Result<>> load();
  [[nodiscard]] bool empty() const { return accounts_.empty(); }

  rt::Task<Answer<Caller>> authenticate(std::string user, std::string password);
  rt::Task<Answer<>> add(Caller caller, std::string user, std::string password, RoleName role);
  rt::Task<Answer<>> change(Caller caller, std::string user, std::optional<std::string> password, std::optional<RoleName> role, std::optional<bool> enabled);
  rt::Task<Answer<>> remove(Caller caller, std::string user);
  [[nodiscard]] std::vector<Account> list() const;

  // 20 characters that are easy to read out.
  [[nodiscard]] std::string made_up_password();

 private:
  struct Entry {
    Account account;
    PasswordHash password;
  };
  struct Remembered {
    Instant until;
    std::string user;
  };
  rt::Task<Result<PasswordHash>> hash(std::string password);
  rt::Task<Result<>> save(Entry entry);
  std::optional<Caller> recalled(const Buffer& key);   // a right password of the last minute
  [[nodiscard]] bool is_last_administrator(const std::string& user) const;
  void forget_remembered() { remembered_.clear(); ++version_; }

  os::Host& host_;
  rt::Loop& loop_;
  Book& book_;
  unsigned log2_n_;
  rt::Budget at_once_;
  Buffer secret_;                                // of this run, for remembered_
  std::uint64_t version_ = 0;                    // changes with every account that does
  std::map<std::string, Entry> accounts_;
  std::map<Buffer, Remembered> remembered_;      // right passwords of the last minute: front ends ask at every request
};

}  // namespace lockstep::manage
