#include <algorithm>

#include "nbd/transmission/session.h"

namespace lockstep::nbd {
namespace {

constexpr std::size_t extents_most = 2048;  // 16 KiB of reply

struct Descriptor {
  std::uint32_t length;
  std::uint32_t state;
};

// Consecutive from `offset`, none empty, neighbours of one state merged, together no longer than the request.
// What the volume says nothing about is allocated data: that is always true enough.
std::vector<Descriptor> describe(const Request& request, const std::vector<pool::BlockExtent>& extents,
                                 std::size_t most) {
  std::vector<Descriptor> out;
  std::uint64_t at = request.offset;
  std::uint64_t end = request.offset + request.length;
  auto add = [&](std::uint64_t upto, std::uint32_t state) {
    auto length = static_cast<std::uint32_t>(upto - at);
    if (length == 0) return;
    if (!out.empty() && out.back().state == state) {
      out.back().length += length;
    } else {
      out.push_back({length, state});
    }
    at = upto;
  };
  for (const pool::BlockExtent& extent : extents) {
    std::uint64_t from = std::clamp(extent.at.value, at, end);
    std::uint64_t upto = std::clamp(extent.at.value + extent.length.value, from, end);
    add(from, 0);
    add(upto, (extent.hole ? state_hole : 0) | (extent.zero ? state_zero : 0));
  }
  if (out.empty()) add(end, 0);
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace

// NBD_CMD_BLOCK_STATUS (7), for base:allocation, the only context there is.
void Session::block_status(const Request& request) {
  if (!agreed_.base_allocation) {
    reply_error(request.cookie, Errno::einval, "no metadata context was selected for this export");
    return;
  }
  if (Refusal refused = refusal(request, cmd_fua | cmd_req_one, Access::look)) {
    reply_error(request.cookie, refused.error, refused.why);
    return;
  }
  scope_.spawn(block_status_slowly(request));
}

rt::Task<void> Session::block_status_slowly(Request request) {
  InFlight held(*this, 0);
  std::size_t most = request.has(cmd_req_one) ? 1 : extents_most;
  auto extents = co_await volume_->extents(Bytes{request.offset}, Bytes{request.length}, most);
  if (!extents) {
    reply_error(request.cookie, extents.error(), Access::look);
    co_return;
  }
  std::vector<Descriptor> said = describe(request, *extents, most);
  std::size_t payload = 4 + 8 * said.size();
  MutSpan room = outbox_.reserve(chunk_header_size + payload);
  Put put(room.data());
  put.be(magic_structured_reply)
      .be(reply_done)
      .be(reply_block_status)
      .be(request.cookie)
      .be(static_cast<std::uint32_t>(payload))
      .be(context_base_allocation_id);
  for (const Descriptor& one : said) put.be(one.length).be(one.state);
  outbox_.commit(room.size());
  send_soon();
}

}  // namespace lockstep::nbd
