// Opening: what the tables say becomes places, lineage and deltas.
#include <algorithm>

#include "store/impl.h"

namespace lockstep::store {

Impl::Impl(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool, Options options)
    : host_(host), loop_(loop), directory_(std::move(directory)), pool_(pool), options_(options), files_(host.files()), reader_free_(loop), turns_(loop, 1),
      scope_(loop), cache_(options.leaf_cache), places_(options.keep_back.value / block_size), grown_(loop) {}

Result<> Impl::load_database() {
  std::string path = directory_ + "/map.db";
  TRY(bool had_data, files_.exists(directory_ + "/data"));
  TRY(database_, db::Database::open(files_, host_.random(), host_.clock(), path));
  TRY_VOID(database_->migrate(rows::schema()));
  db::Connection& c = database_->writer();
  TRY(auto pool, rows::blob(c, "pool"));
  if (!pool) {
    // The pool's id is written before the data file is made: data without it lost their map.
    if (had_data) return fail(Code::corrupt, path + ": there are data but no map of them; restore map.db, or the pool from a replica");
    return rows::set_blob(c, "pool", pool_.bytes);
  }
  if (!std::equal(pool->begin(), pool->end(), pool_.bytes.begin(), pool_.bytes.end()))
    return fail(Code::corrupt, path + ": belongs to pool " + hex_of(*pool) + ", not to " + text_of(pool_) + "; the directories were mixed up");
  return {};
}

Result<> Impl::load_space() {
  db::Connection& c = database_->writer();
  for (std::uint64_t from = 0;;) {
    TRY(auto pages, rows::pages(c, from, 1024));
    for (const auto& page : pages) TRY_VOID(places_.load_page(page.id, page.bytes));
    if (pages.size() < 1024) break;
    from = pages.back().id + 1;
  }
  TRY(auto released, rows::number(c, "released"));
  Lsn released_upto{static_cast<std::uint64_t>(released.value_or(0))};
  std::map<std::uint64_t, Lsn> quarantine;
  for (std::uint64_t from = 0;;) {
    TRY(auto log, rows::read(c, rows::Log::space, from, 256));
    for (const auto& raw : log) {
      auto row = decode_space(raw.bytes);
      if (!row) return fail(rows::bad_row(rows::Log::space, raw.id, row.error()));
      for (const Run& run : row->used) {
        TRY_VOID(places_.load_used(run));
        quarantine.erase(quarantine.lower_bound(run.first.value), quarantine.lower_bound(run.first.value + run.count));
      }
      for (const Run& run : row->freed) {
        TRY_VOID(places_.load_freed(run));
        if (row->lsn > released_upto)
          for (std::uint64_t i = 0; i < run.count; ++i) quarantine[run.first.value + i] = row->lsn;
      }
      space_rows_.push_back({raw.id, raw.bytes.size(), row->lsn});
      space_bytes_ += raw.bytes.size();
      next_space_row_ = raw.id + 1;
    }
    if (log.size() < 256) break;
    from = log.back().id + 1;
  }
  TRY_VOID(load_deltas(quarantine));
  // In the order of their LSNs.
  std::map<Lsn, std::vector<Place>> by_lsn;
  for (const auto& [place, lsn] : quarantine) by_lsn[lsn].push_back(Place{place});
  places_.journal_released(released_upto);
  for (auto& [lsn, list] : by_lsn) places_.load_quarantine(lsn, runs_of(std::move(list)));
  return {};
}

// Places of deltas that still count are used. Those of the others may be named by retained records: quarantine, unless leaves name them.
Result<> Impl::load_deltas(std::map<std::uint64_t, Lsn>& quarantine) {
  db::Connection& c = database_->writer();
  std::vector<Place> mentioned;
  std::vector<Place> ignored;
  for (std::uint64_t from = 0;;) {
    TRY(auto log, rows::read(c, rows::Log::delta, from, 16));
    for (const auto& raw : log) {
      auto chunk = decode_chunk(raw.bytes);
      if (!chunk) return fail(rows::bad_row(rows::Log::delta, raw.id, chunk.error()));
      for (LeafId id : chunk->folded) deltas_.forget(id);
      for (const auto& zero : chunk->cut) deltas_.cut(zero);
      for (const auto& zero : chunk->zeroes) {
        if (!lineage_.is_visible(zero.volume, zero.epoch, Lineage::forever)) continue;
        deltas_.put_zero(zero, raw.id);
        if (!chunk->carried) deltas_.erase_under(zero, zero.first, ~std::size_t{0}, ignored);
      }
      for (const auto& item : chunk->items) {
        if (item.slot.place().value != 0) mentioned.push_back(item.slot.place());
        if (lineage_.is_visible(item.volume, item.epoch, Lineage::forever)) deltas_.put(item, raw.id, ignored);
      }
      std::uint64_t items = chunk->items.size() + chunk->zeroes.size() + chunk->folded.size();
      delta_rows_.push_back({raw.id, items, {}});
      delta_items_ += items;
      next_delta_row_ = raw.id + 1;
    }
    if (log.size() < 16) break;
    from = log.back().id + 1;
  }
  Result<> inside;
  deltas_.each_place([&](Place place) {
    if (auto used = places_.load_used({place, 1}); !used) inside = used;
    quarantine.erase(place.value);
  });
  TRY_VOID(inside);
  std::erase_if(mentioned, [&](Place place) {
    return place.value >= places_.total() || places_.is_taken(place) || quarantine.contains(place.value);
  });
  std::sort(mentioned.begin(), mentioned.end());
  mentioned.erase(std::unique(mentioned.begin(), mentioned.end()), mentioned.end());
  places_.load_unlogged(std::move(mentioned));
  return {};
}

Result<> Impl::load() {
  TRY_VOID(load_database());
  db::Connection& c = database_->writer();
  TRY(catalog_, rows::load_catalog(c));
  auto number = [&](std::string_view name) -> Result<std::uint64_t> {
    TRY(auto value, rows::number(c, name));
    return static_cast<std::uint64_t>(value.value_or(0));
  };
  TRY(std::uint64_t epoch, number("epoch"));
  TRY(std::uint64_t next_volume, number("next_volume"));
  TRY(std::uint64_t lsn, number("checkpoint_lsn"));
  catalog_.epoch = std::max(catalog_.epoch, Epoch{epoch});
  catalog_.next_volume = std::max(catalog_.next_volume, VolumeId{next_volume});
  checkpoint_lsn_ = Lsn{lsn};
  head_epoch_ = catalog_.epoch;
  std::vector<Lineage::Lost> none;
  for (const auto& [id, row] : catalog_.volumes) lineage_.apply(row, none);
  for (const auto& [id, row] : catalog_.snapshots) lineage_.apply(row, none);
  for (unsigned i = 0; i < std::max(1u, options_.readers); ++i) {
    TRY(auto reader, database_->reader());
    readers_.push_back(std::move(reader));
    ++readers_made_;
  }
  return {};
}

rt::Task<Result<>> Impl::open() {
  auto load_job = rt::work(loop_, [this] { return load(); });
  CO_TRY_VOID(co_await load_job);
  auto opening = DataFile::open(host_.files(), loop_, directory_ + "/data");
  CO_TRY(data_, co_await opening);
  auto naming = rt::work(loop_, [this] { return files_.sync_directory(directory_); });
  CO_TRY_VOID(co_await naming);
  places_.grow(std::max<std::uint64_t>(data_->places(), 1));
  places_.reserve_first();
  auto space_job = rt::work(loop_, [this] { return load_space(); });
  CO_TRY_VOID(co_await space_job);
  // Ahead of need from the first write on.
  while (places_.available() < options_.grow_step.value / block_size / 2 && !grow_refused_) {
    auto growing = grow_once();
    CO_TRY_VOID(co_await growing);
  }
  auto measuring = measure();
  CO_TRY_VOID(co_await measuring);
  co_return Result<>{};
}

rt::Task<Result<>> Impl::close() {
  if (closed_) co_return Result<>{};
  closed_ = true;
  auto joining = scope_.join();
  co_await joining;
  auto turning = take_turn();
  Turn turn = co_await turning;
  while (readers_.size() < readers_made_) co_await reader_free_.wait();
  auto job = rt::work(loop_, [this] {
    readers_.clear();
    database_.reset();
  });
  co_await job;
  co_return Result<>{};
}

Result<> Impl::usable() const {
  if (failed_) return fail(failed_->in("the store failed before and must be opened again"));
  if (closed_) return fail(Code::cancelled, "the store is closed");
  return {};
}

Error Impl::failed(Error error) {
  if (!failed_) failed_ = error;
  return error;
}

rt::Task<Impl::Turn> Impl::take_turn() {
  auto taking = turns_.take(1);
  co_await taking;
  co_return Turn(turns_);
}

rt::Task<Result<Impl::Reading>> Impl::take_reader() {
  while (readers_.empty() && !closed_) co_await reader_free_.wait();
  if (closed_) co_return fail(Code::cancelled, "the store is closed");
  auto connection = std::move(readers_.back());
  readers_.pop_back();
  co_return Reading(*this, std::move(connection));
}

Impl::Reading::~Reading() {
  if (!connection_) return;
  impl_->readers_.push_back(std::move(connection_));
  impl_->reader_free_.wake_all();
}

rt::Task<Result<std::unique_ptr<Store>>> open(os::Host& host, rt::Loop& loop, std::string directory, PoolId pool, Options options) {
  auto impl = std::make_unique<Impl>(host, loop, std::move(directory), pool, options);
  auto opening = impl->open();
  if (auto opened = co_await opening; !opened) {
    auto closing = impl->close();
    ignore(co_await closing, "nothing was written that closing could lose");
    co_return fail(opened.error().in("store"));
  }
  co_return std::unique_ptr<Store>(std::move(impl));
}

}  // namespace lockstep::store
