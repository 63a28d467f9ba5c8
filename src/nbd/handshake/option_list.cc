#include "nbd/handshake/options.h"

namespace lockstep::nbd {

// NBD_OPT_LIST (3): one NBD_REP_SERVER per export (name, then a description for people), then NBD_REP_ACK.
rt::Task<Result<Next>> option_list(Negotiation& n, Buffer data) {
  if (!data.empty()) {
    n.refuse(Opt::list, Rep::err_invalid, "NBD_OPT_LIST takes no data");
  } else {
    auto exports = co_await n.exports.list();
    if (!exports) {
      n.refuse(Opt::list, Rep::err_platform, exports.error().message);
    } else {
      for (const Listed& listed : *exports) {
        if (listed.name.size() > string_most) continue;  // could not be asked for either
        std::string_view description = std::string_view(listed.description).substr(0, string_most);
        Buffer payload(4 + listed.name.size() + description.size());
        Put(payload.data())
            .be(static_cast<std::uint32_t>(listed.name.size()))
            .text(listed.name)
            .text(description);
        n.reply(Opt::list, Rep::server, payload);
      }
      n.reply(Opt::list, Rep::ack);
    }
  }
  co_return co_await n.send_and_go_on();
}

}  // namespace lockstep::nbd
