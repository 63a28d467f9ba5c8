#include "manage/accounts.h"

#include <utility>

#include "manage/refusal.h"

namespace lockstep::manage {

namespace {

constexpr std::size_t password_least = 8;
constexpr std::size_t password_most = 256;
constexpr std::size_t remembered_most = 64;
constexpr Duration remembered_for = std::chrono::minutes(1);

Answer<> check_user(const std::string& user) {
  bool good = !user.empty() && user.size() <= 64;
  for (char c : user) good = good && (good_name(std::string_view(&c, 1)) || c == '.' || c == '-' || c == '@');
  if (!good) return bad_parameter("UserName", "'" + user + "' is no user name", "1 to 64 letters, digits, '.', '_', '-' or '@'.");
  return {};
}

Answer<> check_password(const std::string& password) {
  if (password.size() < password_least || password.size() > password_most)
    return bad_parameter("Password", "the password has " + std::to_string(password.size()) + " bytes", "8 to 256 bytes are needed.");
  return {};
}

std::unexpected<Refusal> wrong_credentials() {
  return refuse(Refusal{ReturnCode::access_denied, "user name or password is wrong", "Check both, and that the account is enabled.", "UserName", Code::denied});
}

}  // namespace

Accounts::Accounts(os::Host& host, rt::Loop& loop, Book& book, unsigned log2_n, unsigned at_once)
    : host_(host), loop_(loop), book_(book), log2_n_(log2_n), at_once_(loop, at_once), secret_(32) {
  host_.random().fill(secret_);
}

rt::Task<Result<>> Accounts::load() {
  std::map<std::string, Entry> found;
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    TRY(db::Statement rows, connection.prepare("SELECT user, role, enabled, must_change, log2_n, salt, hash FROM accounts"));
    while (true) {
      TRY(bool more, rows.step());
      if (!more) return rows.read_well();
      Entry entry;
      entry.account.user = rows.get<std::string>(0);
      entry.account.role = static_cast<RoleName>(std::min<std::int64_t>(rows.i64(1), 2));
      entry.account.enabled = rows.i64(2) != 0;
      entry.account.must_change_password = rows.i64(3) != 0;
      entry.password = {rows.get<unsigned>(4), rows.get<Buffer>(5), rows.get<Buffer>(6)};
      found.emplace(entry.account.user, std::move(entry));
    }
  };
  Result<> done = co_await book_.run(std::move(job));
  if (done) accounts_ = std::move(found);
  co_return done;
}

rt::Task<Result<PasswordHash>> Accounts::hash(std::string password) {
  PasswordHash out;
  out.log2_n = log2_n_;
  out.salt.resize(16);
  host_.random().fill(out.salt);
  co_await at_once_.take(1);
  Result<Buffer> hash = co_await rt::work(loop_, [&] { return scrypt(password, out.salt, out.log2_n); });
  at_once_.give(1);
  if (!hash) co_return fail(hash.error());
  out.hash = *std::move(hash);
  co_return out;
}

rt::Task<Result<>> Accounts::save(Entry entry) {
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    const Account& account = entry.account;
    return connection.run(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user) DO UPDATE SET role = excluded.role, enabled = excluded.enabled, "
        "must_change = excluded.must_change, log2_n = excluded.log2_n, salt = excluded.salt, hash = excluded.hash",
        account.user, static_cast<int>(account.role), account.enabled, account.must_change_password, entry.password.log2_n, entry.password.salt, entry.password.hash);
  };
  Result<> saved = co_await book_.run(std::move(job));
  if (!saved) co_return saved;
  forget_remembered();
  std::string user = entry.account.user;
  accounts_.insert_or_assign(std::move(user), std::move(entry));
  co_return Result<>{};
}

std::optional<Caller> Accounts::recalled(const Buffer& key) {
  auto known = remembered_.find(key);
  if (known == remembered_.end()) return std::nullopt;
  auto account = accounts_.find(known->second.user);
  if (loop_.clock().now() < known->second.until && account != accounts_.end() && account->second.account.enabled) return Caller{account->second.account.user, account->second.account.role};
  remembered_.erase(known);
  return std::nullopt;
}

rt::Task<Answer<Caller>> Accounts::authenticate(std::string user, std::string password) {
  if (user.size() > 64 || password.size() > password_most) co_return wrong_credentials();
  Buffer key = sha256({secret_, as_span(user), as_span(password)});
  if (auto known = recalled(key)) co_return *known;
  auto found = accounts_.find(user);
  PasswordHash expected;
  if (found != accounts_.end()) expected = found->second.password;
  else expected = {log2_n_, Buffer(16), Buffer(32)};   // the same work for nobody
  std::uint64_t version = version_;
  co_await at_once_.take(1);
  if (auto known = recalled(key)) {   // of many who came with the same, one did the work
    at_once_.give(1);
    co_return *known;
  }
  Result<Buffer> hash = co_await rt::work(loop_, [&] { return scrypt(password, expected.salt, expected.log2_n); });
  at_once_.give(1);
  if (!hash) co_return refuse(hash.error(), "Password");
  bool right = equal_in_constant_time(*hash, expected.hash);
  found = accounts_.find(user);   // accounts may have changed meanwhile
  if (!right || found == accounts_.end() || !found->second.account.enabled || found->second.password.hash != expected.hash) co_return wrong_credentials();
  if (version == version_) {
    if (remembered_.size() >= remembered_most) remembered_.clear();
    remembered_.insert_or_assign(std::move(key), Remembered{loop_.clock().now() + remembered_for, user});
  }
  co_return Caller{found->second.account.user, found->second.account.role};
}

rt::Task<Answer<>> Accounts::add(Caller caller, std::string user, std::string password, RoleName role) {
  CO_ASK_VOID(require(caller, RoleName::administrator, "adding an account"));
  CO_ASK_VOID(check_user(user));
  CO_ASK_VOID(check_password(password));
  if (accounts_.contains(user)) co_return taken("account", user, "UserName");
  Result<PasswordHash> hashed = co_await hash(std::move(password));
  if (!hashed) co_return refuse(hashed.error(), "Password");
  if (accounts_.contains(user)) co_return taken("account", user, "UserName");
  Entry entry;
  entry.account.user = user;
  entry.account.role = role;
  entry.password = *std::move(hashed);
  Result<> saved = co_await save(std::move(entry));
  if (!saved) co_return refuse(saved.error(), user);
  co_return Answer<>{};
}

bool Accounts::is_last_administrator(const std::string& user) const {
  for (const auto& [name, entry] : accounts_)
    if (name != user && entry.account.enabled && entry.account.role == RoleName::administrator) return false;
  auto found = accounts_.find(user);
  return found != accounts_.end() && found->second.account.enabled && found->second.account.role == RoleName::administrator;
}

rt::Task<Answer<>> Accounts::change(Caller caller, std::string user, std::optional<std::string> password, std::optional<RoleName> role, std::optional<bool> enabled) {
  bool own_password_only = caller.user == user && password && !role && !enabled;
  if (!own_password_only) CO_ASK_VOID(require(caller, RoleName::administrator, "changing an account"));
  if (!accounts_.contains(user)) co_return no_such("account", user, "UserName");
  if (password) CO_ASK_VOID(check_password(*password));
  std::optional<PasswordHash> hashed;
  if (password) {
    Result<PasswordHash> made = co_await hash(*std::move(password));
    if (!made) co_return refuse(made.error(), "Password");
    hashed = *std::move(made);
  }
  auto found = accounts_.find(user);
  if (found == accounts_.end()) co_return no_such("account", user, "UserName");
  Entry entry = found->second;
  if (hashed) entry.password = *std::move(hashed);
  if (role) entry.account.role = *role;
  if (enabled) entry.account.enabled = *enabled;
  if ((!entry.account.enabled || entry.account.role != RoleName::administrator) && is_last_administrator(user))
    co_return wrong_state(user, "'" + user + "' is the last enabled administrator", "Make another administrator first.");
  Result<> saved = co_await save(std::move(entry));
  if (!saved) co_return refuse(saved.error(), user);
  co_return Answer<>{};
}

rt::Task<Answer<>> Accounts::remove(Caller caller, std::string user) {
  CO_ASK_VOID(require(caller, RoleName::administrator, "removing an account"));
  if (!accounts_.contains(user)) co_return no_such("account", user, "UserName");
  if (is_last_administrator(user)) co_return wrong_state(user, "'" + user + "' is the last enabled administrator", "Make another administrator first.");
  Book::Job job = [&](db::Connection& connection) -> Result<> { return connection.run("DELETE FROM accounts WHERE user = ?", user); };
  Result<> removed = co_await book_.run(std::move(job));
  if (!removed) co_return refuse(removed.error(), user);
  forget_remembered();
  accounts_.erase(user);
  co_return Answer<>{};
}

std::vector<Account> Accounts::list() const {
  std::vector<Account> out;
  for (const auto& [name, entry] : accounts_) out.push_back(entry.account);
  return out;
}

std::string Accounts::made_up_password() {
  static constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";   // 32: no bias, nothing that looks like another
  std::string out;
  std::byte bytes[20];
  host_.random().fill(bytes);
  for (std::byte b : bytes) out.push_back(letters[static_cast<std::size_t>(b) % letters.size()]);
  return out;
}

}  // namespace lockstep::manage
