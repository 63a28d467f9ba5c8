#include "cli/client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace lockstep::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

std::string basic(const Target& target) {
  std::string plain = target.user + ":" + target.password;
  std::string coded(beast::detail::base64::encoded_size(plain.size()), '\0');
  coded.resize(beast::detail::base64::encode(coded.data(), plain.data(), plain.size()));
  return "Basic " + coded;
}

template <class Stream>
Response exchange(Stream& stream, const Target& target, const std::string& host, const std::string& method, const std::string& path, const std::string& body) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(path);
  request.version(11);
  request.set(http::field::host, host);
  request.set(http::field::accept, "application/json, text/plain");
  request.set(http::field::connection, "close");
  if (!target.user.empty()) request.set(http::field::authorization, basic(target));
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  request.body() = body;
  request.prepare_payload();
  http::write(stream, request);

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::uint64_t{256} << 20);
  http::read(stream, buffer, parser);
  const auto& response = parser.get();
  return Response{.status = static_cast<int>(response.result_int()), .body = response.body(), .location = std::string(response[http::field::location])};
}

Response over_socket(const Target& target, const std::string& method, const std::string& path, const std::string& body) {
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  socket.connect(asio::local::stream_protocol::endpoint(target.socket));
  return exchange(socket, target, "lockstep", method, path, body);
}

Response over_https(const Target& target, const std::string& method, const std::string& path, const std::string& body) {
  std::string rest = target.url.starts_with("https://") ? target.url.substr(8) : target.url;
  if (auto slash = rest.find('/'); slash != std::string::npos) rest.resize(slash);
  auto colon = rest.rfind(':');
  std::string host = rest.substr(0, colon), port = colon == std::string::npos ? "443" : rest.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);

  asio::io_context io;
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  if (target.certificate.empty()) tls.set_default_verify_paths();
  else tls.load_verify_file(target.certificate);
  tls.set_verify_mode(asio::ssl::verify_peer);
  asio::ssl::stream<asio::ip::tcp::socket> stream(io, tls);
  // A certificate that was handed over as a file is trusted as such; one signed by a public authority must name the host.
  if (target.certificate.empty()) stream.set_verify_callback(asio::ssl::host_name_verification(host));
  else X509_VERIFY_PARAM_set_flags(SSL_get0_param(stream.native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
  SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  asio::ip::tcp::resolver resolver(io);
  asio::connect(stream.next_layer(), resolver.resolve(host, port));
  stream.handshake(asio::ssl::stream_base::client);
  return exchange(stream, target, rest, method, path, body);
}

}  // namespace

Result<Response> request(const Target& target, const std::string& method, const std::string& path, const std::string& body) {
  const std::string where = target.url.empty() ? target.socket : target.url;
  try {
    return target.url.empty() ? over_socket(target, method, path, body) : over_https(target, method, path, body);
  } catch (const boost::system::system_error& error) {
    std::string next = target.url.empty() ? "Is lockstepd running, and is --socket its DATA/control.sock?" : "Is --url right, and --ca the system's certificate?";
    return fail(Code::unreachable, where + ": " + error.code().message() + "\n" + next);
  }
}

}  // namespace lockstep::cli
