#include "store/change_maps.h"

#include <bit>

#include "store/impl.h"
#include "store/rows.h"

namespace lockstep::store {
namespace change_maps {
namespace {

using Mask = std::array<std::uint64_t, leaf_blocks / 64>;

Result<std::optional<std::int64_t>> map_of(db::Connection& c, RelationshipId follower) {
  TRY(auto s, c.prepare("SELECT id FROM change_map WHERE follower=?1 AND dead=0"));
  TRY(bool row, s.with(follower).step());
  if (!row) return std::nullopt;
  std::int64_t id = s.i64(0);
  TRY_VOID(s.read_well());
  return id;
}

Buffer bytes_of(const Mask& mask) {
  Buffer out;
  Writer w(out);
  for (std::uint64_t word : mask) w.u64(word);
  return out;
}

Result<Mask> mask_of(std::int64_t map, VolumeId volume, std::uint64_t leaf, Span bytes, Checksum sum) {
  std::string where = "table change_leaf, map " + std::to_string(map) + ", volume " + std::to_string(volume.value) + ", leaf " + std::to_string(leaf);
  if (bytes.size() != sizeof(Mask) || sum != rows::seal('m', static_cast<std::uint64_t>(map), volume.value, leaf, bytes))
    return fail(Code::corrupt, where + ": the row does not match its checksum; drop the map by a full compare of the relationship");
  Mask mask;
  Reader r(bytes);
  for (std::uint64_t& word : mask) word = r.u64();
  return mask;
}

// How many blocks are new.
Result<std::uint64_t> add(db::Connection& c, std::int64_t map, const ChangeMapUpdate::Leaf& leaf) {
  Mask mask = leaf.mask;
  std::uint64_t before = 0;
  {
    TRY(auto s, c.prepare("SELECT mask,sum FROM change_leaf WHERE map=?1 AND volume=?2 AND leaf=?3"));
    TRY(bool row, s.with(map, leaf.volume, leaf.leaf).step());
    if (row) {
      TRY(Mask had, mask_of(map, leaf.volume, leaf.leaf, s.blob(0), s.get<Checksum>(1)));
      for (std::size_t i = 0; i < mask.size(); ++i) {
        before += static_cast<std::uint64_t>(std::popcount(had[i]));
        mask[i] |= had[i];
      }
    }
  }
  std::uint64_t after = 0;
  for (std::uint64_t word : mask) after += static_cast<std::uint64_t>(std::popcount(word));
  if (after == before) return 0;
  Buffer bytes = bytes_of(mask);
  Checksum sum = rows::seal('m', static_cast<std::uint64_t>(map), leaf.volume.value, leaf.leaf, bytes);
  TRY_VOID(c.run("INSERT INTO change_leaf VALUES(?1,?2,?3,?4,?5) ON CONFLICT(map,volume,leaf) DO UPDATE SET mask=?4,sum=?5", map, leaf.volume,
                 leaf.leaf, bytes, sum));
  return after - before;
}

}  // namespace

Result<> clear(db::Connection& c, RelationshipId follower) { return c.run("UPDATE change_map SET dead=1 WHERE follower=?1 AND dead=0", follower); }

Result<> apply(db::Connection& c, const ChangeMapUpdate& update) {
  if (update.clear) TRY_VOID(clear(c, update.follower));
  if (update.add.empty()) return {};
  TRY(auto map, map_of(c, update.follower));
  if (!map) {
    TRY_VOID(c.run("INSERT INTO change_map(follower,blocks,dead) VALUES(?1,0,0)", update.follower));
    map = c.last_row_id();
  }
  std::uint64_t blocks = 0;
  for (const auto& leaf : update.add) {
    TRY(std::uint64_t fresh, add(c, *map, leaf));
    blocks += fresh;
  }
  return c.run("UPDATE change_map SET blocks=blocks+?2 WHERE id=?1", *map, blocks);
}

Result<std::vector<ChangeMapUpdate::Leaf>> read(db::Connection& c, RelationshipId follower, VolumeId volume, std::uint64_t from_leaf, std::size_t most) {
  std::vector<ChangeMapUpdate::Leaf> out;
  TRY(auto map, map_of(c, follower));
  if (!map) return out;
  TRY(auto s, c.prepare("SELECT leaf,mask,sum FROM change_leaf WHERE map=?1 AND volume=?2 AND leaf>=?3 ORDER BY leaf LIMIT ?4"));
  s.with(*map, volume, from_leaf, most);
  for (;;) {
    TRY(bool row, s.step());
    if (!row) return out;
    auto leaf = s.get<std::uint64_t>(0);
    TRY(Mask mask, mask_of(*map, volume, leaf, s.blob(1), s.get<Checksum>(2)));
    out.push_back({volume, leaf, mask});
  }
}

Result<std::uint64_t> blocks(db::Connection& c, RelationshipId follower) {
  TRY(auto s, c.prepare("SELECT blocks FROM change_map WHERE follower=?1 AND dead=0"));
  TRY(bool row, s.with(follower).step());
  if (!row) return 0;
  auto blocks = s.get<std::uint64_t>(0);
  TRY_VOID(s.read_well());
  return blocks;
}

Result<bool> collect(db::Connection& c, std::size_t most) {
  TRY(auto s, c.prepare("SELECT id FROM change_map WHERE dead=1 LIMIT 1"));
  TRY(bool row, s.step());
  if (!row) return false;
  std::int64_t map = s.i64(0);
  TRY_VOID(s.read_well());
  s.reset();
  TRY(auto transaction, c.begin());
  TRY_VOID(c.run("DELETE FROM change_leaf WHERE map=?1 AND (volume,leaf) IN (SELECT volume,leaf FROM change_leaf WHERE map=?1 LIMIT ?2)", map, most));
  if (c.rows_changed() < static_cast<std::int64_t>(most)) TRY_VOID(c.run("DELETE FROM change_map WHERE id=?1", map));
  TRY_VOID(transaction.commit());
  return true;
}

}  // namespace change_maps

rt::Task<Result<std::vector<ChangeMapUpdate::Leaf>>> Impl::change_map(RelationshipId follower, VolumeId volume, std::uint64_t from_leaf, std::size_t most) {
  CO_TRY_VOID(usable());
  auto reading = take_reader();
  CO_TRY(auto reader, co_await reading);
  auto job = rt::work(loop_, [&c = reader.connection(), follower, volume, from_leaf, most]() -> Result<std::vector<ChangeMapUpdate::Leaf>> {
    TRY(auto state, c.begin());
    return change_maps::read(c, follower, volume, from_leaf, most);
  });
  co_return co_await job;
}

rt::Task<Result<std::uint64_t>> Impl::change_map_blocks(RelationshipId follower) {
  CO_TRY_VOID(usable());
  auto reading = take_reader();
  CO_TRY(auto reader, co_await reading);
  auto job = rt::work(loop_, [&c = reader.connection(), follower] { return change_maps::blocks(c, follower); });
  co_return co_await job;
}

// With the turn held.
rt::Task<Result<bool>> Impl::collect_change_maps() {
  if (!may_drop_maps_) co_return false;
  auto job = rt::work(loop_, [&c = database_->writer()] { return change_maps::collect(c, 4096); });
  auto more = co_await job;
  if (!more) co_return fail(failed(more.error().in("dropping a change map")));
  may_drop_maps_ = *more;
  co_return *more;
}

}  // namespace lockstep::store
