#include "replica/wire/siblings.h"

#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t name_most = 100;

}  // namespace

std::vector<Sibling> siblings_from(const google::protobuf::RepeatedPtrField<wire::Sibling>& from) {
  std::vector<Sibling> out;
  for (const wire::Sibling& row : from) {
    if (static_cast<int>(out.size()) == siblings_most) break;
    Sibling sibling;
    sibling.relationship = id_from<RelationshipId>(row.relationship());
    sibling.name = row.name().substr(0, name_most);
    sibling.group = row.group().substr(0, name_most);
    sibling.system = id_from<SystemId>(row.system());
    sibling.position = origin_from(row.position());
    out.push_back(std::move(sibling));
  }
  return out;
}

void put(const std::vector<Sibling>& from, google::protobuf::RepeatedPtrField<wire::Sibling>& into) {
  into.Clear();
  for (const Sibling& sibling : from) {
    wire::Sibling* row = into.Add();
    row->set_relationship(bytes_of(sibling.relationship));
    row->set_name(sibling.name);
    row->set_group(sibling.group);
    row->set_system(bytes_of(sibling.system));
    put(sibling.position, *row->mutable_position());
  }
}

bool is_ahead(const Past& here, const Past& there) {
  return there.position != here.position && not_before(there, there.position, here.position);
}

}  // namespace lockstep::replica
