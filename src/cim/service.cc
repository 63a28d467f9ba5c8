#include <charconv>
#include <utility>

#include "cim/cim.h"
#include "cim/front/answer_pieces.h"
#include "cim/front/envelope.h"
#include "cim/front/gzip.h"
#include "cim/indications/subscriptions.h"
#include "cim/indications/watcher.h"
#include "cim/ops/pulls.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

struct Service::State {
  State(os::Host& host, rt::Loop& the_loop, manage::System& the_system, Provider& the_provider, Options the_options)
      : loop(the_loop), system(the_system), options(std::move(the_options)), pulls(loop, host.random(), options.enumerations_most),
        subscriptions(host, loop, system.self().name, options.directory + "/cim-subscriptions.xml"), watcher(host, loop, system, the_provider, subscriptions, options),
        parts{loop, system, the_provider, pulls, subscriptions} {
    limits.xml.bytes_most = options.message_max.value;
  }

  rt::Task<http::Response> answer(const http::Request* request);
  rt::Task<std::optional<manage::Caller>> caller_of(const http::Request* request);
  rt::Task<std::expected<RawMessage, RequestFault>> read(std::string_view body);
  rt::Task<void> answer_call(const RawCall* raw, manage::Caller caller, std::string host_name, AnswerPieces* into);

  rt::Loop& loop;
  manage::System& system;
  Options options;
  ReadLimits limits;
  Pulls pulls;
  Subscriptions subscriptions;
  Watcher watcher;
  Parts parts;
};

namespace {

constexpr std::size_t read_here = 32u << 10;   // a fraction of a millisecond

// The host that the client asked, as it knows it; nothing that would not be a host.
std::string host_of(const http::Request& request, const std::string& otherwise) {
  const std::string* host = request.field("Host");
  if (!host || host->empty() || host->size() > 255) return otherwise;
  for (char c : *host)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_')) return otherwise;
  return *host;
}

http::Response unauthorized() {
  http::Response response;
  response.status = 401;
  response.set("WWW-Authenticate", "Basic realm=\"Lockstep\"");
  response.set("Content-Type", "text/plain; charset=utf-8");
  response.body = "user and password of an account are needed\n";
  return response;
}

std::string element(const char* kind, const std::string& name) {
  std::string out = std::string("<") + kind + " NAME=\"";
  write_escaped(out, name);
  return out + "\">";
}

}  // namespace

Service::Service(os::Host& host, rt::Loop& loop, manage::System& system, Provider& provider, Options options)
    : state_(std::make_unique<State>(host, loop, system, provider, std::move(options))) {}
Service::~Service() = default;

rt::Task<Result<>> Service::start() {
  CO_TRY_VOID(co_await state_->subscriptions.load());
  state_->watcher.start();
  co_return Result<>{};
}

rt::Task<void> Service::stop() { return state_->watcher.stop(); }

rt::Task<http::Response> Service::handle(http::Request request) {
  http::Response response = co_await state_->answer(&request);
  co_return response;
}

rt::Task<std::optional<manage::Caller>> Service::State::caller_of(const http::Request* request) {
  if (const std::string* authorization = request->field("Authorization")) {
    std::optional<http::Credentials> given = http::basic_credentials(*authorization);
    if (!given) co_return std::nullopt;
    manage::Answer<manage::Caller> known = co_await system.authenticate(given->user, given->password);
    if (!known) co_return std::nullopt;
    co_return std::optional<manage::Caller>(*known);
  }
  if (!request->uid || (*request->uid != 0 && *request->uid != options.own_uid)) co_return std::nullopt;
  manage::Caller caller{*request->uid == 0 ? "root" : "uid " + std::to_string(*request->uid), manage::RoleName::administrator};
  co_return std::optional<manage::Caller>(std::move(caller));
}

// What takes long to read is read by a worker.
rt::Task<std::expected<RawMessage, RequestFault>> Service::State::read(std::string_view body) {
  if (body.size() < read_here) co_return read_message(body, limits);
  co_return co_await rt::work(loop, [this, body] { return read_message(body, limits); });
}

rt::Task<http::Response> Service::State::answer(const http::Request* request) {
  auto envelope = open_envelope(*request);
  if (!envelope && envelope.error().status == 405) co_return std::move(envelope.error());
  std::optional<manage::Caller> caller = co_await caller_of(request);
  if (!caller) co_return unauthorized();
  if (!envelope) co_return std::move(envelope.error());
  auto message = co_await read(request->body);
  if (!message) co_return fault_response(message.error());
  if (auto fault = mismatch(*envelope, *message)) co_return fault_response(*fault);

  auto answer = std::make_unique<AnswerPieces>();
  std::string head = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\">\n<MESSAGE ID=\"";
  write_escaped(head, message->id);
  head += message->multiple ? "\" PROTOCOLVERSION=\"1.0\">\n<MULTIRSP>\n" : "\" PROTOCOLVERSION=\"1.0\">\n";
  answer->add(std::move(head));
  std::string host_name = host_of(*request, system.self().name);
  for (const RawCall& call : message->calls) co_await answer_call(&call, *caller, host_name, answer.get());
  answer->add(std::string(message->multiple ? "</MULTIRSP>\n" : "") + "</MESSAGE>\n</CIM>\n");

  http::Response response;
  address_answer(response, *envelope);
  put_answer(response, std::move(answer));
  if (wants_gzip(*request)) gzip(response);
  co_return response;
}

rt::Task<void> Service::State::answer_call(const RawCall* raw, manage::Caller caller, std::string host_name, AnswerPieces* into) {
  const char* kind = raw->intrinsic ? "IMETHODRESPONSE" : "METHODRESPONSE";
  into->add("<SIMPLERSP>\n" + element(kind, raw->name) + "\n");
  std::optional<std::string_view> name_space = parse_name_space(raw->name_space);
  CimAnswer<Produced> done = cim_error(Status::invalid_namespace, "there is no name space '" + raw->name_space.substr(0, 128) + "'; there are " + std::string(storage_name_space) + " and " +
                                                                      std::string(interop_name_space));
  if (name_space) {
    Call call{parts, *raw, std::move(caller), *name_space, Place{std::move(host_name), raw->name_space}};
    done = co_await perform(call);
  }
  if (done) {
    into->add(*std::move(done));
  } else {
    std::string error;
    write_error(error, done.error());
    into->add(std::move(error));
  }
  into->add(std::string("\n</") + kind + ">\n</SIMPLERSP>\n");
}

}  // namespace lockstep::cim
