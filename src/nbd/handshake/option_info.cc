#include "nbd/handshake/options.h"

namespace lockstep::nbd {
namespace {

struct Asked {
  std::string name;
  bool export_name = false;
  bool description = false;
};

// "NBD_OPT_INFO": name length, name, number of information requests, the requests (16 bits each); nothing
// behind. Unknown kinds are ignored, as the specification asks.
std::optional<Asked> parse(Span data) {
  Take take(data);
  Asked asked;
  asked.name = std::string(take.text(take.be<std::uint32_t>()));
  auto requests = take.be<std::uint16_t>();
  for (std::uint16_t i = 0; i < requests && take.ok(); ++i) {
    auto kind = take.be<std::uint16_t>();
    if (kind == static_cast<std::uint16_t>(Info::name)) asked.export_name = true;
    if (kind == static_cast<std::uint16_t>(Info::description)) asked.description = true;
  }
  if (!take.at_end()) return std::nullopt;
  return asked;
}

void tell(Negotiation& n, Opt option, const Asked& asked, const Found& found) {
  Buffer payload(12);
  Put(payload.data()).be(Info::export_).be(found.size().value).be(transmission_flags(found, n.structured));
  n.reply(option, Rep::info, payload);
  // Sent unasked too: a client that ignores it hears EINVAL for what is not a multiple of 512.
  payload.resize(14);
  Put(payload.data()).be(Info::block_size).be(block_size_least).be(block_size_preferred).be(payload_most);
  n.reply(option, Rep::info, payload);
  auto text = [&](Info kind, std::string_view s) {
    Buffer said(2 + s.size());
    Put(said.data()).be(kind).text(s);
    n.reply(option, Rep::info, said);
  };
  if (asked.export_name) text(Info::name, asked.name);
  if (asked.description)
    text(Info::description, std::string_view(found.description()).substr(0, string_most));
}

Rep rep_of(Code code) {
  switch (code) {
    case Code::not_found: return Rep::err_unknown;
    case Code::cancelled: return Rep::err_shutdown;
    case Code::denied:
    case Code::busy: return Rep::err_policy;
    default: return Rep::err_platform;
  }
}

}  // namespace

// NBD_OPT_INFO (6) and NBD_OPT_GO (7): the same answer; after GO's acknowledgement transmission begins.
rt::Task<Result<Next>> option_info(Negotiation& n, Opt option, Buffer data) {
  std::optional<Asked> asked = parse(data);
  Next next = Next::another_option;
  if (!asked) {
    n.refuse(option, Rep::err_invalid, "the option's data are not a name and a list of information requests");
  } else if (asked->name.size() > string_most) {
    n.refuse(option, Rep::err_too_big, "an export name has at most 4096 bytes");
  } else {
    auto found = co_await n.exports.find(asked->name);
    if (!found) {
      n.refuse(option, rep_of(found.error().code),
               std::string_view(found.error().message).substr(0, string_most));
    } else {
      tell(n, option, *asked, *found);
      n.reply(option, Rep::ack);
      if (option == Opt::go) {
        bool base_allocation = n.structured && n.context_export == asked->name;
        n.agreed.emplace(Agreed{*std::move(found), std::move(asked->name), n.structured, base_allocation});
        next = Next::transmission;
      }
    }
  }
  CO_TRY_VOID(co_await n.send());
  co_return next;
}

}  // namespace lockstep::nbd
