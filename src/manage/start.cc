// How a system comes up, and goes.
#include <utility>

#include "manage/refusal.h"
#include "manage/system.h"

namespace lockstep::manage {

namespace {

constexpr const char* first_user = "admin";

// A text as a whole file, durable, replacing what was there. Worker jobs only.
Result<> write_file(os::Files& files, const std::string& directory, const std::string& name, const std::string& text) {
  std::string path = directory + "/" + name;
  {
    os::OpenOptions options;
    options.create = os::Create::if_missing;
    TRY(std::unique_ptr<os::BlockingFile> file, files.open_blocking(path + ".new", options));
    TRY_VOID(file->truncate(Bytes{0}));
    TRY_VOID(file->write(Bytes{0}, as_span(text)));
    TRY_VOID(file->sync());
  }
  TRY_VOID(files.rename(path + ".new", path));
  return files.sync_directory(directory);
}

}  // namespace

SystemParts::SystemParts(os::Host& host, rt::Loop& control, std::string directory, Options options)
    : host_(host), control_(control), directory_(std::move(directory)), options_(std::move(options)), started_(control.clock().now()) {
  if (!options_.open_pool) options_.open_pool = pool::open_native;
  if (!options_.make_engine) options_.make_engine = replica::make_engine;
}
SystemParts::~SystemParts() = default;

rt::Task<Result<>> SystemParts::make_directory() {
  Result<std::unique_ptr<os::FileLock>> lock = co_await rt::work(control_, [this]() -> Result<std::unique_ptr<os::FileLock>> {
    TRY_VOID(host_.files().make_directories(directory_));
    return host_.files().lock(directory_ + "/lock");
  });
  if (!lock) co_return fail(lock.error());
  lock_ = *std::move(lock);
  co_return Result<>{};
}

// The id is made once and stays; so do the certificate, which peers have pinned, and the name.
rt::Task<Result<>> SystemParts::know_self() {
  CO_TRY(std::optional<std::string> id, co_await book_->setting("system_id"));
  if (id) {
    CO_TRY(self_.id, parse_id<SystemId>(*id));
  } else {
    self_.id = host_.random().id<SystemId>();
  }
  CO_TRY(std::optional<std::string> name, co_await book_->setting("system_name"));
  if (name) self_.name = *name;
  else if (!options_.name.empty()) self_.name = options_.name;
  else self_.name = "lockstep-" + text_of(self_.id).substr(0, 6);
  if (!good_name(self_.name)) co_return fail(Code::invalid, "'" + self_.name + "' is no name for a system: 1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'");
  if (!name) CO_TRY_VOID(co_await book_->set_setting("system_name", self_.name));
  CO_TRY(std::optional<std::string> certificate, co_await book_->setting("certificate"));
  CO_TRY(std::optional<std::string> key, co_await book_->setting("key"));
  if (certificate && key) {
    self_.identity = os::Identity{*certificate, *key};
  } else {
    std::vector<std::string> names = options_.certificate_names;
    names.push_back(self_.name);
    Result<os::Identity> made = co_await rt::work(control_, [&] { return host_.tls().make_identity(self_.name, names); });
    if (!made) co_return fail(made.error());
    self_.identity = *std::move(made);
    CO_TRY_VOID(co_await book_->set_setting("key", self_.identity.key_pem));
    CO_TRY_VOID(co_await book_->set_setting("certificate", self_.identity.certificate_pem));
  }
  if (!id) CO_TRY_VOID(co_await book_->set_setting("system_id", text_of(self_.id)));
  co_return co_await rt::work(control_, [this] { return write_file(host_.files(), directory_, "certificate.pem", self_.identity.certificate_pem); });
}

rt::Task<Result<>> SystemParts::make_first_account() {
  if (!accounts_->empty()) co_return Result<>{};
  std::string password = accounts_->made_up_password();
  // The file first: an account whose password nobody can find would be worse than a file without its account.
  CO_TRY_VOID(co_await rt::work(control_, [&] { return write_file(host_.files(), directory_, "admin-password", password + "\n"); }));
  Caller caller;
  caller.user = "first start";
  caller.role = RoleName::administrator;
  Answer<> made = co_await accounts_->add(std::move(caller), first_user, password, RoleName::administrator);
  if (!made) co_return fail(Code::io, made.error().message);
  first_password_ = std::move(password);
  co_return Result<>{};
}

rt::Task<Result<>> SystemParts::start() {
  CO_TRY_VOID(co_await make_directory());
  CO_TRY(book_, co_await Book::open(host_, control_, directory_ + "/system.db"));
  events_.emplace(control_, *book_, options_.events_kept);
  CO_TRY_VOID(co_await events_->load());
  events_->start();
  CO_TRY_VOID(co_await know_self());
  accounts_.emplace(host_, control_, *book_, options_.scrypt_log2_n, options_.passwords_at_once);
  CO_TRY_VOID(co_await accounts_->load());
  CO_TRY_VOID(co_await make_first_account());
  pools_.emplace(host_, control_, *book_, directory_, options_.pool, options_.open_pool);
  CO_TRY_VOID(co_await pools_->load());
  storage_.emplace(control_, *pools_, *events_, hooks_);
  jobs_.emplace(host_, control_, *book_, *events_, options_.jobs_kept);
  registry_.emplace(*book_, self_.id);
  defaults_.emplace(*book_);
  CO_TRY_VOID(co_await defaults_->load());
  relationships_.emplace(control_, *pools_, *accounts_, *jobs_, *events_, *defaults_);
  engine_ = options_.make_engine(host_, control_, self_, *pools_, *registry_, *relationships_, options_.replica);
  storage_->set_engine(*engine_);
  relationships_->set_engine(*engine_, self_, *storage_);
  engine_started_ = true;
  CO_TRY_VOID(co_await engine_->start());
  relationships_->start();
  rewind_ = replica::make_rewind(control_, *pools_, options_.rewind);
  CO_TRY_VOID(co_await rewind_->start());
  rewinds_.emplace(control_, *pools_, *jobs_, *events_, *rewind_);
  drills_.emplace(control_, *pools_, *jobs_, *events_);
  CO_TRY_VOID(co_await jobs_->load([this](Awaited awaited) { return relationships_->resumed(std::move(awaited)); }));
  co_await forget_deleted_groups();
  probe_.emplace(control_, *pools_);
  probe_->start();
  watermark_.emplace(control_, *pools_, *events_);
  watermark_->start();
  for (const PoolSet::Entry& entry : pools_->entries())
    if (entry.error) {
      Event event;
      event.severity = Severity::critical;
      event.kind = "Pool";
      event.object_type = "Pool";
      event.object = entry.name;
      event.after = "Closed";
      event.cause = entry.error->message;
      events_->emit(std::move(event));
    }
  tell("Started", "System", self_.name);
  co_return Result<>{};
}

// Groups of a pool that is not open are not known: then nothing is forgotten.
rt::Task<void> SystemParts::forget_deleted_groups() {
  for (const PoolSet::Entry& entry : pools_->entries())
    if (!entry.pool) co_return;
  std::set<GroupId> there;
  std::vector<GroupInfo> known = co_await storage_->groups();
  for (const GroupInfo& info : known) there.insert(info.row.id);
  Result<> done = co_await defaults_->keep_only(std::move(there));
  ignore(done, "the next start tries again");
}

void SystemParts::tell(std::string kind, std::string object_type, std::string object) {
  Event event;
  event.kind = std::move(kind);
  event.object_type = std::move(object_type);
  event.object = std::move(object);
  events_->emit(std::move(event));
}

void SystemParts::end_waits() {
  if (jobs_) jobs_->end_waits();
  if (events_) events_->end_waits();
}

rt::Task<void> SystemParts::stop() {
  end_waits();
  if (watermark_) co_await watermark_->stop();
  if (probe_) co_await probe_->stop();
  if (relationships_) co_await relationships_->stop();
  if (jobs_) co_await jobs_->stop();
  if (rewind_) co_await rewind_->stop();
  if (engine_ && engine_started_) co_await engine_->stop();
  if (pools_) co_await pools_->close_all();
  if (events_) co_await events_->stop();
  if (book_) co_await book_->close();
  watermark_.reset();
  probe_.reset();
  engine_.reset();
  lock_.reset();
}

rt::Task<Result<std::unique_ptr<System>>> start(os::Host& host, rt::Loop& control, std::string directory, Options options) {
  auto system = std::make_unique<SystemParts>(host, control, std::move(directory), std::move(options));
  Result<> started = co_await system->start();
  if (!started) {
    co_await system->stop();
    co_return fail(started.error());
  }
  co_return std::unique_ptr<System>(std::move(system));
}

}  // namespace lockstep::manage
