#include "manage/pools.h"

namespace lockstep::manage {

namespace {

// On the pool's loop.
rt::Task<Result<>> close_pool(std::unique_ptr<pool::Pool>* pool) {
  Result<> closed = co_await (*pool)->close();
  pool->reset();
  co_return closed;
}

rt::Task<std::size_t> count_volumes(pool::Pool* pool) {
  std::size_t count = 0;
  for (const auto& [id, row] : pool->catalog().volumes) count += row.hidden ? 0 : 1;
  co_return count;
}

}  // namespace

PoolSet::PoolSet(os::Host& host, rt::Loop& control, Book& book, std::string directory, pool::Options options, Options::OpenPool open_pool)
    : host_(host), control_(control), book_(book), directory_(std::move(directory)), options_(std::move(options)), open_pool_(std::move(open_pool)) {}

rt::Task<Result<>> PoolSet::load() {
  Book::Job job = [this](db::Connection& connection) -> Result<> {
    TRY(db::Statement rows, connection.prepare("SELECT name, path, capacity FROM pools ORDER BY name"));
    while (true) {
      TRY(bool more, rows.step());
      if (!more) return rows.read_well();
      entries_.emplace_back(control_, rows.get<std::string>(0), rows.get<std::string>(1), rows.get<Bytes>(2));
    }
  };
  CO_TRY_VOID(co_await book_.run(std::move(job)));
  rt::Scope opening(control_);
  for (Entry& entry : entries_) opening.spawn(open_listed(&entry));
  co_await opening.join();
  co_return Result<>{};
}

rt::Task<void> PoolSet::open_listed(Entry* entry) {
  Result<> opened = co_await open(entry, false);
  if (!opened) entry->error = opened.error();
}

rt::Task<Result<>> PoolSet::open(Entry* entry, bool create) {
  if (!entry->loop) entry->loop = &host_.start_loop("pool-" + entry->name);
  pool::Options options = options_;
  options.store.capacity = entry->capacity;
  rt::Task<Result<std::unique_ptr<pool::Pool>>> opening = open_pool_(host_, *entry->loop, entry->path, entry->name, std::move(options), create);
  Result<std::unique_ptr<pool::Pool>> opened = co_await rt::run_on(*entry->loop, std::move(opening));
  if (!opened) {
    host_.end_loop(*entry->loop);
    entry->loop = nullptr;
    co_return fail(opened.error().in("pool " + entry->name));
  }
  entry->pool = *std::move(opened);
  entry->id = entry->pool->id();
  co_return Result<>{};
}

rt::Task<Answer<>> PoolSet::create(std::string name, std::string path, Bytes capacity) {
  if (!good_name(name)) co_return bad_parameter("Name", "'" + name + "' is no name for a pool", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.");
  if (entry_of(name)) co_return taken("pool", name, "Name");
  if (path.empty()) path = directory_ + "/pools/" + name;
  else if (!path.starts_with('/')) co_return bad_parameter("Path", "'" + path + "' does not start with '/'", "Give the whole path.");
  for (const Entry& entry : entries_)
    if (entry.path == path) co_return bad_parameter("Path", "'" + path + "' is where pool '" + entry.name + "' lies", "Choose another directory or device.");
  Entry& entry = entries_.emplace_back(control_, name, path, capacity);
  entry.closing = true;   // nobody gets it before it is in the book
  Result<> opened = co_await open(&entry, true);
  if (opened) {
    Book::Job job = [&](db::Connection& connection) -> Result<> { return connection.run("INSERT INTO pools VALUES (?, ?, ?)", name, path, capacity); };
    opened = co_await book_.run(std::move(job));
    if (!opened) ignore(co_await close(&entry), "the error told is the one of the book");
  }
  if (!opened) {
    entries_.remove_if([&](const Entry& e) { return &e == &entry; });
    co_return refuse(opened.error(), "Path");
  }
  entry.closing = false;
  co_return Answer<>{};
}

rt::Task<Result<>> PoolSet::close(Entry* entry) {
  Result<> closed;
  if (entry->pool) closed = co_await rt::run_on(*entry->loop, close_pool(&entry->pool));
  if (entry->loop) host_.end_loop(*entry->loop);
  entry->loop = nullptr;
  co_return closed;
}

rt::Task<Answer<>> PoolSet::remove(std::string name, replica::Engine& engine) {
  Entry* entry = entry_of(name);
  if (!entry) co_return no_such("pool", name);
  if (entry->closing) co_return wrong_state(name, "pool '" + name + "' is being made or removed", "Wait until that is done: `lockstep pool list` shows it.");
  entry->closing = true;
  while (entry->holders > 0) co_await entry->released.wait();
  if (entry->pool) {
    std::size_t volumes = co_await rt::run_on(*entry->loop, count_volumes(entry->pool.get()));
    if (volumes > 0) {
      entry->closing = false;
      co_return wrong_state(name, "pool '" + name + "' holds " + std::to_string(volumes) + " volumes", "Delete its volumes first.");
    }
    Result<> told = co_await engine.pool_closing(entry->id);
    if (!told) {
      entry->closing = false;
      co_return refuse(told.error(), name);
    }
  }
  Book::Job job = [&](db::Connection& connection) -> Result<> { return connection.run("DELETE FROM pools WHERE name = ?", name); };
  Result<> removed = co_await book_.run(std::move(job));
  if (!removed) {
    entry->closing = false;
    co_return refuse(removed.error(), name);
  }
  for (auto at = entries_.begin(); at != entries_.end(); ++at)
    if (&*at == entry) {
      removed_.splice(removed_.end(), entries_, at);
      break;
    }
  co_return Answer<>{};
}

rt::Task<void> PoolSet::close_all() {
  for (std::list<Entry>* list : {&removed_, &entries_})
    for (Entry& entry : *list) {
      entry.closing = true;
      while (entry.holders > 0) co_await entry.released.wait();
      Result<> closed = co_await close(&entry);
      ignore(closed, "the pool says so at its next open; nothing that was answered is lost");
    }
}

PoolSet::Entry* PoolSet::entry_of(std::string_view name) {
  for (Entry& entry : entries_)
    if (entry.name == name) return &entry;
  return nullptr;
}

Answer<PoolSet::Hold> PoolSet::hold(std::string_view name, std::string parameter) {
  Entry* entry = entry_of(name);
  if (!entry) return no_such("pool", std::string(name), std::move(parameter));
  if (!entry->pool) {
    std::string cause = entry->error ? entry->error->message : "it is being opened";
    return wrong_state(entry->name, "pool '" + entry->name + "' is not open: " + cause, "See what it says, repair it, and restart the system.");
  }
  if (entry->closing) return wrong_state(entry->name, "pool '" + entry->name + "' is being made or removed", "Wait until that is done: `lockstep pool list` shows it.");
  return Hold(*entry);
}

std::vector<PoolSet::Hold> PoolSet::hold_all() {
  std::vector<Hold> out;
  for (Entry& entry : entries_)
    if (entry.pool && !entry.closing) out.emplace_back(entry);
  return out;
}

std::vector<pool::Pool*> PoolSet::pools() {
  std::vector<pool::Pool*> out;
  for (Entry& entry : entries_)
    if (entry.pool && !entry.closing) out.push_back(entry.pool.get());
  return out;
}

pool::Pool* PoolSet::find(PoolId id) {
  for (Entry& entry : entries_)
    if (entry.pool && entry.id == id && !entry.closing) return entry.pool.get();
  return nullptr;
}

pool::Pool* PoolSet::find(std::string_view name) {
  Entry* entry = entry_of(name);
  return entry && entry->pool && !entry->closing ? entry->pool.get() : nullptr;
}

}  // namespace lockstep::manage
