#include "cim/indications/export.h"

#include <array>
#include <charconv>
#include <utility>

#include "cim/wire/text.h"
#include "cim/wire/write.h"

namespace lockstep::cim {

namespace {

constexpr std::size_t answer_most = 65536;

// Closes the stream when the time is up or `stop` is requested.
class Deadline {
 public:
  Deadline(rt::Loop& loop, os::Stream& stream, Duration within, rt::Stop& stop)
      : loop_(loop), timer_(loop.at(loop.clock().now() + within, [&stream] { stream.close(); })), guard_(stop.on_request([&stream] { stream.close(); })) {}
  ~Deadline() { loop_.cancel(timer_); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  rt::Loop& loop_;
  rt::Loop::TimerId timer_;
  rt::Stop::Guard guard_;
};

std::string request_of(const ListenerUrl& to, const std::string& message) {
  bool v6 = to.address.host.find(':') != std::string::npos;
  std::string host = (v6 ? "[" + to.address.host + "]" : to.address.host) + ":" + std::to_string(to.address.port);
  return "POST " + to.path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/xml; charset=\"utf-8\"\r\nContent-Length: " + std::to_string(message.size()) +
         "\r\nCIMExport: MethodRequest\r\nCIMExportMethod: ExportIndication\r\nCIMProtocolVersion: 1.0\r\nConnection: close\r\n\r\n" + message;
}

// "HTTP/1.1 200 OK": 200; 0 when it is none.
unsigned status_in(std::string_view answer) {
  if (!answer.starts_with("HTTP/1.") || answer.size() < 12) return 0;
  unsigned status = 0;
  std::from_chars(answer.data() + 9, answer.data() + 12, status);
  return status;
}

bool complete(const std::string& answer) {
  std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  std::string fields = lower(answer.substr(0, head));
  std::size_t length = fields.find("\ncontent-length:");
  if (length == std::string::npos) return answer.find("</CIM>", head) != std::string::npos;
  std::string_view digits = trimmed(std::string_view(fields).substr(length + 16, fields.find('\r', length) - length - 16));
  std::size_t expected = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), expected);
  return answer.size() - head - 4 >= expected;
}

rt::Task<Result<std::string>> exchange(os::Stream* stream, std::string request) {
  std::vector<Span> parts{as_span(request)};
  CO_TRY_VOID(co_await stream->write(std::move(parts)));
  std::string answer;
  while (answer.size() < answer_most && !complete(answer)) {
    std::array<std::byte, 4096> buffer;
    Result<std::size_t> got = co_await stream->read_some(buffer);
    if (!got) co_return fail(got.error());
    if (*got == 0) break;
    answer.append(reinterpret_cast<const char*>(buffer.data()), *got);
  }
  co_return answer;
}

}  // namespace

std::string export_message(const Instance& indication, std::uint64_t id, const std::string& host) {
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\">\n<MESSAGE ID=\"" + std::to_string(id) +
                    "\" PROTOCOLVERSION=\"1.0\">\n<SIMPLEEXPREQ>\n<EXPMETHODCALL NAME=\"ExportIndication\">\n<EXPPARAMVALUE NAME=\"NewIndication\">";
  write_instance(out, indication, Place{host, std::string(storage_name_space)}, Shown{});
  return out + "</EXPPARAMVALUE>\n</EXPMETHODCALL>\n</SIMPLEEXPREQ>\n</MESSAGE>\n</CIM>\n";
}

rt::Task<Result<>> Exporter::send(ListenerUrl to, std::string message, rt::Stop& stop) const {
  std::string name = os::text_of(to.address);
  if (to.tls && ca_pem.empty()) co_return fail(Code::denied, name + ": no authority is known that could vouch for this listener; name one with --cim-listener-ca");
  Result<std::unique_ptr<os::Stream>> connected = co_await host.net().connect(loop, to.address, connect_within);
  if (!connected) co_return fail(connected.error());
  std::unique_ptr<os::Stream> stream = *std::move(connected);
  if (to.tls) {
    os::TlsClient options;
    options.ca_pem = ca_pem;
    options.server_name = to.address.host;
    os::Stream* plain = stream.get();
    std::optional<Deadline> deadline(std::in_place, loop, *plain, connect_within, stop);
    Result<std::unique_ptr<os::Stream>> secured = co_await host.tls().client(std::move(stream), std::move(options));
    deadline.reset();
    if (!secured) co_return fail(secured.error().in(name));
    stream = *std::move(secured);
  }
  Deadline deadline(loop, *stream, answer_within, stop);
  Result<std::string> answer = co_await exchange(stream.get(), request_of(to, message));
  if (!answer) co_return fail(answer.error().in(name));
  unsigned status = status_in(*answer);
  if (status != 200) co_return fail(Code::unreachable, name + ": the listener answered with status " + std::to_string(status));
  if (answer->find("<ERROR ") != std::string::npos) co_return fail(Code::denied, name + ": the listener did not take the indication");
  co_return Result<>{};
}

}  // namespace lockstep::cim
