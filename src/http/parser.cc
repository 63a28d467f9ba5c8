#include "http/parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

namespace lockstep::http {

namespace beast = boost::beast::http;

struct Parser::State {
  beast::request_parser<beast::string_body> parser;
  std::optional<Rejected> header_fault;
};

Parser::Parser(const Options& options) : state_(std::make_unique<State>()) {
  state_->parser.eager(true);
  state_->parser.header_limit(static_cast<std::uint32_t>(options.header_max.value));
  state_->parser.body_limit(options.body_max.value);
}
Parser::~Parser() = default;

namespace {

Rejected rejected_for(const boost::system::error_code& error) {
  if (error == beast::error::header_limit) return {431, "the header is too long"};
  if (error == beast::error::body_limit) return {413, "the body is too long"};
  if (error == beast::error::bad_version) return {505, "HTTP/1.1 is spoken here"};
  return {400, error.message()};
}

// What the grammar allows and RFC 9112 sections 3.2 and 6 refuse.
std::optional<Rejected> fault_in(const beast::request<beast::string_body>& message) {
  auto hosts = message.count(beast::field::host);
  if (message.version() >= 11 && hosts == 0) return Rejected{400, "Host is missing"};
  if (hosts > 1) return Rejected{400, "there is more than one Host"};
  if (message.count(beast::field::content_length) > 1) return Rejected{400, "there is more than one Content-Length"};
  if (auto coding = message.find(beast::field::transfer_encoding); coding != message.end()) {
    if (message.count(beast::field::content_length) > 0) return Rejected{400, "both Content-Length and Transfer-Encoding"};
    if (message.version() < 11) return Rejected{400, "Transfer-Encoding needs HTTP/1.1"};
    if (!boost::beast::iequals(coding->value(), "chunked") || message.count(beast::field::transfer_encoding) > 1)
      return Rejected{501, "the only transfer coding here is chunked"};
  }
  if (auto expect = message.find(beast::field::expect); expect != message.end() && !boost::beast::iequals(expect->value(), "100-continue"))
    return Rejected{417, "the only expectation met here is 100-continue"};
  return std::nullopt;
}

}  // namespace

std::expected<std::size_t, Rejected> Parser::put(std::string_view bytes) {
  if (bytes.empty()) return 0;
  bool had_header = state_->parser.is_header_done();
  boost::system::error_code error;
  std::size_t used = state_->parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (!had_header && state_->parser.is_header_done()) {
    if (auto fault = fault_in(state_->parser.get())) return std::unexpected(*fault);
  }
  if (error && error != beast::error::need_more) return std::unexpected(rejected_for(error));
  return used;
}

bool Parser::header_done() const { return state_->parser.is_header_done(); }
bool Parser::done() const { return state_->parser.is_done(); }
bool Parser::keep_alive() const { return state_->parser.is_header_done() && state_->parser.keep_alive(); }
bool Parser::chunks_allowed() const { return state_->parser.is_header_done() && state_->parser.get().version() >= 11; }

bool Parser::waits_for_continue() const {
  return header_done() && !done() && state_->parser.get().version() >= 11 &&
         state_->parser.get().count(beast::field::expect) > 0;
}

std::expected<Request, Rejected> Parser::take() {
  auto message = state_->parser.release();
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) request.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  request.body = std::move(message.body());
  if (!split_target(request)) return std::unexpected(Rejected{400, "the request target is malformed"});
  return request;
}

}  // namespace lockstep::http
