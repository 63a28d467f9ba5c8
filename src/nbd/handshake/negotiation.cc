#include "nbd/handshake/negotiation.h"

#include <algorithm>

#include "nbd/handshake/options.h"

namespace lockstep::nbd {
namespace {

// More than any option of ours can use: a name, and queries of a name's length.
constexpr std::size_t option_data_most = 64 * 1024;

// "Newstyle negotiation": magic, magic, our flags; then the client's flags. An unknown client flag ends the
// connection.
rt::Task<Result<>> greet(Negotiation& n) {
  Buffer greeting(18);
  Put(greeting.data())
      .be(magic_server)
      .be(magic_option)
      .be(static_cast<std::uint16_t>(flag_fixed_newstyle | flag_no_zeroes));
  n.out = std::move(greeting);
  CO_TRY_VOID(co_await n.send());
  std::byte flags_raw[4];
  CO_TRY_VOID(co_await os::read_all(*n.stream, flags_raw));
  auto flags = load_be<std::uint32_t>(flags_raw);
  if ((flags & ~std::uint32_t{flag_fixed_newstyle | flag_no_zeroes}) != 0) {
    co_return fail(Code::invalid,
                   "NBD client flags " + std::to_string(flags) + " hold one that was not offered");
  }
  n.fixed = (flags & flag_fixed_newstyle) != 0;
  n.no_zeroes = (flags & flag_no_zeroes) != 0;
  co_return Result<>{};
}

rt::Task<Result<>> skip(Negotiation& n, std::size_t length) {
  Buffer waste(std::min<std::size_t>(length, 16 * 1024));
  while (length > 0) {
    MutSpan part = MutSpan(waste).first(std::min(length, waste.size()));
    CO_TRY_VOID(co_await os::read_all(*n.stream, part));
    length -= part.size();
  }
  co_return Result<>{};
}

rt::Task<Result<Next>> route(Negotiation& n, Opt option, Buffer data) {
  // "FORCEDTLS mode". EXPORT_NAME has no error reply: it can only end the session.
  bool needs_tls =
      n.policy == TlsPolicy::require && !n.secure && option != Opt::starttls && option != Opt::abort;
  if (option == Opt::export_name) {
    if (needs_tls)
      co_return fail(Code::denied, "NBD_OPT_EXPORT_NAME before TLS, which this listener requires");
    co_return co_await option_export_name(n, std::move(data));
  }
  if (!n.fixed)
    co_return fail(Code::invalid, "a client without fixed newstyle may only send NBD_OPT_EXPORT_NAME");
  if (needs_tls) {
    n.refuse(option, Rep::err_tls_reqd, "this listener requires TLS: send NBD_OPT_STARTTLS first");
    co_return co_await n.send_and_go_on();
  }
  if (n.shutting_down && option != Opt::abort) {
    n.refuse(option, Rep::err_shutdown, "the server is being shut down");
    co_return co_await n.send_and_go_on();
  }
  switch (option) {
    case Opt::abort: co_return co_await option_abort(n, std::move(data));
    case Opt::list: co_return co_await option_list(n, std::move(data));
    case Opt::starttls: co_return co_await option_starttls(n, std::move(data));
    case Opt::info:
    case Opt::go: co_return co_await option_info(n, option, std::move(data));
    case Opt::structured_reply: co_return co_await option_structured_reply(n, std::move(data));
    case Opt::list_meta_context:
    case Opt::set_meta_context: co_return co_await option_meta_context(n, option, std::move(data));
    case Opt::export_name: break;
  }
  n.refuse(option, Rep::err_unsup,
           "option " + std::to_string(static_cast<std::uint32_t>(option)) + " is not known here");
  co_return co_await n.send_and_go_on();
}

}  // namespace

void Negotiation::reply(Opt option, Rep type, Span payload) {
  std::size_t at = out.size();
  out.resize(at + option_reply_header_size + payload.size());
  Put(out.data() + at)
      .be(magic_option_reply)
      .be(option)
      .be(type)
      .be(static_cast<std::uint32_t>(payload.size()))
      .text(as_text(payload));
}

rt::Task<Result<>> Negotiation::send() {
  Buffer sending = std::move(out);
  out.clear();
  std::vector<Span> parts{Span(sending)};
  co_return co_await stream->write(std::move(parts));
}

rt::Task<Result<Next>> Negotiation::send_and_go_on() {
  CO_TRY_VOID(co_await send());
  co_return Next::another_option;
}

std::uint16_t transmission_flags(const Found& found, bool structured) {
  std::uint16_t flags = flag_has_flags | flag_send_flush | flag_send_fua | flag_send_trim |
                        flag_send_write_zeroes | flag_can_multi_conn | flag_send_cache | flag_send_fast_zero;
  if (!found.writable()) flags |= flag_read_only;
  if (structured) flags |= flag_send_df;  // must be clear without structured replies
  return flags;
}

rt::Task<Result<Next>> negotiate(Negotiation& n) {
  CO_TRY_VOID(co_await greet(n));
  for (std::size_t i = 0; i < n.options.options_most; ++i) {
    std::byte header[option_header_size];
    CO_TRY_VOID(co_await os::read_all(*n.stream, header));
    if (load_be<std::uint64_t>(header) != magic_option)
      co_return fail(Code::invalid, "bad magic where an NBD option should begin");
    Opt option{load_be<std::uint32_t>(header + 8)};
    std::size_t length = load_be<std::uint32_t>(header + 12);
    Next next = Next::another_option;
    if (length > option_data_most) {
      if (option == Opt::export_name)
        co_return fail(Code::invalid, "export name of " + std::to_string(length) + " bytes");
      CO_TRY_VOID(co_await skip(n, length));
      n.refuse(option, Rep::err_too_big, "option data of " + std::to_string(length) + " bytes are too much");
      CO_TRY(next, co_await n.send_and_go_on());
    } else {
      // Never more than this option's bytes: what follows NBD_OPT_STARTTLS belongs to TLS.
      Buffer data(length);
      CO_TRY_VOID(co_await os::read_all(*n.stream, data));
      CO_TRY(next, co_await route(n, option, std::move(data)));
    }
    if (next != Next::another_option) co_return next;
  }
  co_return fail(Code::invalid, "more than " + std::to_string(n.options.options_most) + " NBD options");
}

}  // namespace lockstep::nbd
