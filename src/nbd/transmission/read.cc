#include "nbd/transmission/session.h"

namespace lockstep::nbd {
namespace {

constexpr std::uint32_t at_once_most = 1u << 20;  // bytes that one read may copy on the loop
constexpr std::size_t data_header_size = chunk_header_size + 8;
constexpr std::size_t hole_size = chunk_header_size + 12;

// "NBD_REPLY_TYPE_OFFSET_HOLE", the whole request: one content chunk, so that NBD_CMD_FLAG_DF is honoured.
void put_hole(std::byte* at, const Request& request) {
  Put(at)
      .be(magic_structured_reply)
      .be(reply_done)
      .be(reply_offset_hole)
      .be(request.cookie)
      .be(std::uint32_t{12})
      .be(request.offset)
      .be(request.length);
}

}  // namespace

void Session::put_data_header(std::byte* at, const Request& request) const {
  if (structured_) {
    Put(at)
        .be(magic_structured_reply)
        .be(reply_done)
        .be(reply_offset_data)
        .be(request.cookie)
        .be(static_cast<std::uint32_t>(request.length + 8))
        .be(request.offset);
  } else {
    Put(at).be(magic_simple_reply).be(Errno::none).be(request.cookie);
  }
}

// NBD_CMD_READ (0). What is at hand is read right behind its reply header.
void Session::read(const Request& request) {
  if (Refusal refused = refusal(request, structured_ ? cmd_fua | cmd_df : cmd_fua, Access::look)) {
    reply_error(request.cookie, refused.error, refused.why);
    return;
  }
  if (request.length > at_once_most) {
    scope_.spawn(read_slowly(request));
    return;
  }
  std::size_t header = structured_ ? data_header_size : simple_reply_size;
  MutSpan room = outbox_.reserve(header + request.length);
  MutSpan data = room.subspan(header);
  auto hit = volume_->try_read(Bytes{request.offset}, data);
  if (!hit) {
    reply_error(request.cookie, hit.error(), Access::look);
    return;
  }
  if (!*hit) {
    scope_.spawn(read_slowly(request));
    return;
  }
  counters_.read_bytes.add(request.length);
  if (structured_ && is_zero(data)) {
    put_hole(room.data(), request);
    outbox_.commit(hole_size);
  } else {
    put_data_header(room.data(), request);
    outbox_.commit(room.size());
  }
  send_soon();
}

rt::Task<void> Session::read_slowly(Request request) {
  InFlight held(*this, request.length);
  // The payload begins on a page, its header ends there.
  Memory memory = memories_.take(block_size + request.length);
  MutSpan data = memory.span().subspan(block_size, request.length);
  auto done = co_await volume_->read(Bytes{request.offset}, data);
  if (!done) {
    memories_.give(std::move(memory));
    reply_error(request.cookie, done.error(), Access::look);
    co_return;
  }
  counters_.read_bytes.add(request.length);
  if (structured_ && is_zero(data)) {
    memories_.give(std::move(memory));
    put_hole(outbox_.reserve(hole_size).data(), request);
    outbox_.commit(hole_size);
  } else {
    std::size_t begin = block_size - (structured_ ? data_header_size : simple_reply_size);
    put_data_header(memory.data() + begin, request);
    outbox_.add(std::move(memory), begin, block_size + request.length);
  }
  send_soon();
}

}  // namespace lockstep::nbd
