// One function per option, in a file of its own. `data` is the option's data, whole and within its bound.
#pragma once

#include "nbd/handshake/negotiation.h"

namespace lockstep::nbd {

rt::Task<Result<Next>> option_export_name(Negotiation& n, Buffer data);
rt::Task<Result<Next>> option_abort(Negotiation& n, Buffer data);
rt::Task<Result<Next>> option_list(Negotiation& n, Buffer data);
rt::Task<Result<Next>> option_starttls(Negotiation& n, Buffer data);
rt::Task<Result<Next>> option_info(Negotiation& n, Opt option, Buffer data);  // NBD_OPT_INFO and NBD_OPT_GO
rt::Task<Result<Next>> option_structured_reply(Negotiation& n, Buffer data);
rt::Task<Result<Next>> option_meta_context(Negotiation& n, Opt option, Buffer data);  // list and set

}  // namespace lockstep::nbd
