// Connection: requests of one client, one after the other. Private to http.
#pragma once

#include <memory>
#include <string>

#include "http/http.h"
#include "http/parser.h"
#include "http/reply.h"

namespace lockstep::http {

// Closes a stream when its time is up, unless it dies before.
class Deadline {
 public:
  Deadline(rt::Loop& loop, os::Stream& stream, Duration within)
      : loop_(loop), timer_(loop.at(loop.clock().now() + within, [this, &stream] { passed_ = true; stream.close(); })) {}
  ~Deadline() { loop_.cancel(timer_); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  [[nodiscard]] bool passed() const { return passed_; }

 private:
  rt::Loop& loop_;
  bool passed_ = false;
  rt::Loop::TimerId timer_;
};

class Connection {
 public:
  Connection(rt::Loop& loop, Handler& handler, const Options& options, Counters& counters, rt::Stop& stop, bool tls)
      : loop_(loop), handler_(handler), options_(options), counters_(counters), stop_(stop), tls_(tls) {}

  // Until the client leaves, misbehaves, or the server stops.
  rt::Task<void> serve(std::unique_ptr<os::Stream> stream);

 private:
  enum class Next { again, end };

  rt::Task<Next> one_request();
  // More bytes into buffer_; false at the end.
  rt::Task<bool> fill();
  rt::Task<Next> reject(Rejected rejected);
  rt::Task<Next> respond(Response response, bool head_only, bool keep_alive, bool chunks_allowed);
  rt::Task<Next> send_pieces(Response response, bool chunked);
  rt::Task<void> watch_for_leaving(rt::Stop* left);
  rt::Task<bool> send(std::string first, std::string second);

  rt::Loop& loop_;
  Handler& handler_;
  const Options& options_;
  Counters& counters_;
  rt::Stop& stop_;
  bool tls_;
  bool busy_ = false;              // between a request's first byte and the end of its answer
  std::unique_ptr<os::Stream> stream_;
  std::string buffer_;             // received, not yet used
};

}  // namespace lockstep::http
