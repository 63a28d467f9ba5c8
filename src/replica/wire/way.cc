#include "replica/wire/way.h"

#include <algorithm>

#include "replica/wire/convert.h"

namespace lockstep::replica {

Way way_from(const google::protobuf::RepeatedPtrField<wire::Hop>& from) {
  Way out;
  for (const wire::Hop& hop : from) {
    if (static_cast<int>(out.size()) == hops_most) break;
    out.push_back({id_from<SystemId>(hop.system()), id_from<GroupId>(hop.group())});
  }
  return out;
}

void put(const Way& from, google::protobuf::RepeatedPtrField<wire::Hop>& into) {
  into.Clear();
  for (const Hop& hop : from) {
    wire::Hop* row = into.Add();
    row->set_system(bytes_of(hop.system));
    row->set_group(bytes_of(hop.group));
  }
}

bool leads_through(const Way& way, const Hop& hop) { return std::find(way.begin(), way.end(), hop) != way.end(); }

}  // namespace lockstep::replica
