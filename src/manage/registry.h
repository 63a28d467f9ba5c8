// Peers and relationships, kept in the system database for the engine. Private to manage.
#pragma once

#include <vector>

#include "manage/book.h"
#include "manage/manage.h"

namespace lockstep::manage {

class Registry final : public replica::Registry {
 public:
  Registry(Book& book, SystemId self) : book_(book), self_(self) {}

  rt::Task<Result<std::vector<replica::Peer>>> peers() override;
  rt::Task<Result<>> save(replica::Peer peer) override;
  rt::Task<Result<>> remove_peer(SystemId peer) override;
  rt::Task<Result<std::vector<replica::Relationship>>> relationships() override;
  // A local relationship has two rows, one for each end; any other has one, whichever end it is now.
  rt::Task<Result<>> save(replica::Relationship relationship) override;
  rt::Task<Result<>> remove_relationship(RelationshipId id) override;

 private:
  Book& book_;
  SystemId self_;
};

}  // namespace lockstep::manage
