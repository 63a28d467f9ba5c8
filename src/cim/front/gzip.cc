#include "cim/front/gzip.h"

#include <zlib.h>

#include <utility>

#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

constexpr std::size_t worth_it = 1024;
constexpr int level = 1;            // the loop has other work
constexpr int gzip_window = 15 + 16;

class Deflate {
 public:
  Deflate() { CHECK(deflateInit2(&stream_, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK); }
  ~Deflate() { deflateEnd(&stream_); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  std::string put(std::string_view text, bool last) {
    std::string out;
    std::string buffer(32768, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));   // zlib reads only
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(buffer.size());
      deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      out.append(buffer.data(), buffer.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return out;
  }

 private:
  z_stream stream_{};
};

class GzipPieces final : public http::Pieces {
 public:
  explicit GzipPieces(std::unique_ptr<http::Pieces> from) : from_(std::move(from)) {}
  rt::Task<std::optional<std::string>> next(rt::Stop& stop) override {
    while (!done_) {
      std::optional<std::string> piece = co_await from_->next(stop);
      done_ = !piece;
      std::string out = deflate_.put(piece ? *piece : std::string(), done_);
      if (!out.empty()) co_return std::optional<std::string>(std::move(out));
    }
    co_return std::nullopt;
  }

 private:
  std::unique_ptr<http::Pieces> from_;
  Deflate deflate_;
  bool done_ = false;
};

}  // namespace

bool wants_gzip(const http::Request& request) {
  const std::string* accepted = request.field("Accept-Encoding");
  if (!accepted) return false;
  std::string list = lower(*accepted);
  std::string_view rest = list;
  while (!rest.empty()) {
    std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view one = rest.substr(0, comma);
    std::size_t semicolon = std::min(one.find(';'), one.size());
    std::string_view name = trimmed(one.substr(0, semicolon));
    std::string_view quality = trimmed(one.substr(std::min(semicolon + 1, one.size())));
    bool refused = quality.starts_with("q=") && quality.find_first_of("123456789") == std::string_view::npos;
    if (name == "gzip" || name == "x-gzip") return !refused;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

void gzip(http::Response& response) {
  if (!response.pieces && response.body.size() < worth_it) return;
  response.set("Content-Encoding", "gzip");
  response.set("Vary", "Accept-Encoding");
  if (response.pieces) response.pieces = std::make_unique<GzipPieces>(std::move(response.pieces));
  else response.body = Deflate().put(response.body, true);
}

}  // namespace lockstep::cim
