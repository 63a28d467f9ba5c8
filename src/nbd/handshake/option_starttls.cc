#include "nbd/handshake/options.h"

namespace lockstep::nbd {
namespace {

// The plain stream below TLS: the same stream, within reach of the lifeline as long as it lives.
class Held final : public os::Stream {
 public:
  Held(std::unique_ptr<os::Stream> under, std::shared_ptr<Lifeline> lifeline)
      : under_(std::move(under)), lifeline_(std::move(lifeline)) {
    lifeline_->hold(under_.get());
  }
  ~Held() override {
    if (lifeline_) lifeline_->let_go(under_.get());
  }
  rt::Task<Result<std::size_t>> read_some(MutSpan into) override { return under_->read_some(into); }
  Result<std::optional<std::size_t>> try_read(MutSpan into) override { return under_->try_read(into); }
  rt::Task<Result<>> write(std::vector<Span> parts) override { return under_->write(std::move(parts)); }
  Result<std::size_t> try_write(std::span<const Span> parts) override { return under_->try_write(parts); }
  void close() override { under_->close(); }
  // Whoever moves the stream lets go of the lifeline first: it belongs to the loop that is left.
  void move_to(rt::Loop& loop) override {
    lifeline_->let_go(under_.get());
    lifeline_.reset();
    under_->move_to(loop);
  }
  std::string peer_name() const override { return under_->peer_name(); }
  std::optional<os::Fingerprint> peer_fingerprint() const override { return under_->peer_fingerprint(); }
  std::optional<unsigned> peer_uid() const override { return under_->peer_uid(); }

 private:
  std::unique_ptr<os::Stream> under_;
  std::shared_ptr<Lifeline> lifeline_;  // outlived by neither: the server's end and this one both reach it
};

}  // namespace

// NBD_OPT_STARTTLS (5), "TLS support". What was negotiated in the clear is forgotten: somebody else may have
// said it.
rt::Task<Result<Next>> option_starttls(Negotiation& n, Buffer data) {
  bool go = false;
  if (!data.empty()) {
    n.refuse(Opt::starttls, Rep::err_invalid, "NBD_OPT_STARTTLS takes no data");
  } else if (n.secure) {
    n.refuse(Opt::starttls, Rep::err_invalid, "TLS is on already");
  } else if (n.policy == TlsPolicy::off) {
    n.refuse(Opt::starttls, Rep::err_policy, "this listener does not offer TLS");
  } else {
    n.reply(Opt::starttls, Rep::ack);
    go = true;
  }
  CO_TRY_VOID(co_await n.send());
  if (!go) co_return Next::another_option;

  std::unique_ptr<os::Stream> held = std::make_unique<Held>(std::move(n.stream), n.lifeline);
  os::TlsServer server;
  server.identity = *n.options.identity;
  CO_TRY(n.stream, co_await n.tls.server(std::move(held), server));
  n.lifeline->hold(n.stream.get());
  if (n.lifeline->is_cut()) co_return fail(Code::cancelled, "closed during the TLS handshake");
  n.secure = true;
  n.structured = false;
  n.context_export.reset();
  co_return Next::another_option;
}

}  // namespace lockstep::nbd
