// The server against bytes that mean nothing good. The first byte picks how far the client behaves before it
// stops to; afterwards everything must be at rest, every volume released, and another client served.
#include <algorithm>

#include "nbd/testing/stage.h"

namespace lockstep::nbd {
namespace {

using namespace testing;

constexpr std::size_t sent_most = 512 * 1024;  // bytes of payload: what is read in dribs takes its time

// Requests with a proper magic and as much payload as they say (up to what is at hand), made from 16 bytes
// each.
void send_requests(Client& client, Take& take) {
  std::uint64_t cookie = 0;
  std::size_t sent = 0;
  while (take.ok() && !take.at_end() && sent < sent_most) {
    auto type = static_cast<std::uint16_t>(take.be<std::uint8_t>() % 10);
    auto flags = static_cast<std::uint16_t>(take.be<std::uint8_t>());
    std::uint64_t offset = std::uint64_t{take.be<std::uint16_t>()} * 64;
    std::uint32_t length = std::uint32_t{take.be<std::uint16_t>()} * 128;
    if (length > (1u << 20)) length <<= 10;
    Cmd cmd{type};
    Buffer payload(cmd == Cmd::write && length <= (2u << 20) ? length : 0,
                   std::byte{take.be<std::uint8_t>()});
    client.send(cmd, cookie++, offset, length, flags, payload);
    sent += payload.size();
  }
}

void send_options(Client& client, Take& take) {
  while (take.ok() && !take.at_end()) {
    Opt option{static_cast<std::uint32_t>(take.be<std::uint8_t>() % 13)};
    std::size_t length = take.be<std::uint8_t>();
    bool proper = (length & 1) != 0;
    Buffer data;
    if (proper && (option == Opt::info || option == Opt::go)) {
      data = Client::info_data("p/vol", {take.be<std::uint16_t>()});
    } else if (proper && (option == Opt::list_meta_context || option == Opt::set_meta_context)) {
      data = Client::context_data("p/vol", {"base:allocation", std::string(length, 'q')});
    } else {
      data.resize(length);
      for (std::byte& b : data) b = std::byte{take.be<std::uint8_t>()};
    }
    client.send_option(option, data);
  }
}

void run(Span input) {
  Take take(input);
  auto mode = take.be<std::uint8_t>();
  Options options;
  options.session_memory = 256_KiB;
  options.requests_most = 8;
  options.options_most = 64;
  Stage stage(options, (mode & 0x80) != 0 ? TlsPolicy::allow : TlsPolicy::off);
  stage.volume->hot = (mode & 0x04) == 0;
  stage.volume->may_write = (mode & 0x20) == 0;
  bool in_transmission = (mode & 0x01) != 0;
  Client client = in_transmission ? stage.transmitting((mode & 0x40) != 0) : stage.connect();
  if ((mode & 0x08) != 0) client.wire().read_most = 13;
  if ((mode & 0x10) != 0) client.wire().client_room = 100;
  if ((mode & 0x02) == 0) {
    client.send_raw(take.raw(input.empty() ? 0 : input.size() - 1));
  } else if (in_transmission) {
    send_requests(client, take);
  } else {
    client.send_flags();
    send_options(client, take);
  }
  stage.loops.settle();
  client.hang_up();
  CHECK(client.dropped());
  CHECK(stage.volume.use_count() == 2);
  Client next = stage.transmitting();
  next.send(Cmd::flush, 1, 0, 0);
  CHECK(next.only_reply().has_value());
}

}  // namespace
}  // namespace lockstep::nbd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lockstep::nbd::run({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
