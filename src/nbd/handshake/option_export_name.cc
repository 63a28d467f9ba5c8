#include "nbd/handshake/options.h"

namespace lockstep::nbd {

// NBD_OPT_EXPORT_NAME (1): into transmission at once. There is no error reply: what cannot be served ends the
// session.
rt::Task<Result<Next>> option_export_name(Negotiation& n, Buffer data) {
  if (data.size() > string_most)
    co_return fail(Code::invalid, "export name of " + std::to_string(data.size()) + " bytes");
  if (n.shutting_down) co_return fail(Code::cancelled, "the server is being shut down");
  std::string name(as_text(data));
  CO_TRY(Found found, co_await n.exports.find(name));

  Buffer reply(10 + (n.no_zeroes ? 0 : export_name_zeroes));
  Put(reply.data()).be(found.size().value).be(transmission_flags(found, n.structured));
  bool base_allocation = n.structured && n.context_export == name;
  n.agreed.emplace(Agreed{std::move(found), std::move(name), n.structured, base_allocation});
  n.out = std::move(reply);
  CO_TRY_VOID(co_await n.send());
  co_return Next::transmission;
}

}  // namespace lockstep::nbd
