// Fetcher: blocks that hosts want before the fill has brought them, asked of the source beside it. What comes is kept, too.
// Promises: what is handed out has the checksums that the source sent with it, and is of the point that is copied; an error that names the
//           cause within reachable_within, while the source is not connected. Lives on: the pool's loop.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/ground.h"
#include "replica/wire/channel.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Fetcher final : public pool::Fetch {
 public:
  Fetcher(const Ground& ground, pool::Pool& pool, GroupId group, std::string relationship);
  ~Fetcher() override;

  // The source has heard from this end and answers; `members` in the order both agreed on. Until disconnected().
  void connected(Channel& channel, std::vector<VolumeId> members);
  rt::Task<void> disconnected(Error why);   // nobody uses the channel afterwards
  // A frame `fetched`. An error ends the connection.
  [[nodiscard]] Result<> answered(Frame frame);
  // Whoever waits gets an error, and nobody is inside afterwards.
  rt::Task<void> close();

  rt::Task<Result<>> fetch(VolumeId volume, Block block, std::uint64_t count, MutSpan into) override;

 private:
  struct Asked {
    std::optional<Frame> answer;
    std::optional<Error> failure;
    bool lost = false;   // the connection ended first
  };
  rt::Task<Result<>> fetch_part(VolumeId volume, Block block, MutSpan into);
  rt::Task<Result<>> await_source(Instant until);
  // Nothing: the connection went away, somebody may ask again.
  rt::Task<Result<std::optional<Frame>>> ask(std::uint32_t member, Block block, std::uint64_t count);
  rt::Task<Result<>> take(Frame frame, VolumeId volume, std::uint32_t member, Block block, MutSpan into);
  [[nodiscard]] Error described(Code code, const std::string& what) const;

  const Ground& ground_;
  pool::Pool& pool_;
  rt::Loop& loop_;
  const GroupId group_;
  const std::string name_;
  Channel* channel_ = nullptr;
  std::vector<VolumeId> members_;
  std::string why_gone_ = "it has not called yet";
  bool closed_ = false;
  unsigned inside_ = 0;
  unsigned sending_ = 0;
  std::uint64_t number_ = 0;
  std::map<std::uint64_t, Asked*> asked_;
  rt::Budget slots_;
  rt::Signal changed_;
};

}  // namespace lockstep::replica
