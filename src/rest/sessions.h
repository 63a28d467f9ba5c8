// Sessions: tokens instead of a password at every request. In memory only. Private to rest.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manage/manage.h"

namespace lockstep::rest {

class Sessions {
 public:
  struct Session {
    std::string id;
    std::string token;      // 32 hex digits of its own
    std::string user;
    std::string peer;
    WallTime created;
    Instant used;
  };
  Sessions(manage::System& system, rt::Loop& loop, Duration idle, std::size_t most) : system_(system), loop_(loop), idle_(idle), most_(most) {}

  // Nothing when there are too many.
  std::optional<Session> add(std::string user, std::string peer);
  // Who has this token, with the role that the account has now.
  std::optional<manage::Caller> caller_of(const std::string& token);
  bool remove(const std::string& id);
  [[nodiscard]] std::optional<Session> find(const std::string& id);
  [[nodiscard]] std::vector<Session> list();

 private:
  void drop_old();

  manage::System& system_;
  rt::Loop& loop_;
  Duration idle_;
  std::size_t most_;
  std::map<std::string, Session> by_id_;
};

}  // namespace lockstep::rest
