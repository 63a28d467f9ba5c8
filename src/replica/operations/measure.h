// Measure: how much one end has of a group, for forecasts. Only looks. On the pool's loop.
#pragma once

#include <optional>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/model/history.h"

namespace lockstep::replica {

// Blocks that this end changed since it parted from the other one, whose history that is. None: neither journal nor map tells any more;
// then the ends will be compared.
rt::Task<std::optional<Bytes>> changed_bytes(pool::Pool& pool, GroupId group, RelationshipId relationship, std::optional<Past> other);

// What the group's volumes hold now. None: its map cannot be read.
rt::Task<std::optional<Bytes>> allocated_bytes(pool::Pool& pool, GroupId group);

}  // namespace lockstep::replica
