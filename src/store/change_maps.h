// Change maps: per follower, which blocks it lacks. A map that is cleared dies at once and is emptied later.
#pragma once

#include "base/base.h"
#include "db/db.h"
#include "store/store.h"

namespace lockstep::store::change_maps {

Result<> apply(db::Connection& c, const ChangeMapUpdate& update);
Result<> clear(db::Connection& c, RelationshipId follower);
Result<std::vector<ChangeMapUpdate::Leaf>> read(db::Connection& c, RelationshipId follower, VolumeId volume, std::uint64_t from_leaf, std::size_t most);
Result<std::uint64_t> blocks(db::Connection& c, RelationshipId follower);
Result<bool> collect(db::Connection& c, std::size_t most);   // rows of dead maps; false: there are none

}  // namespace lockstep::store::change_maps
