#include "os/real/tls.h"

namespace lockstep::os::real {
rt::Task<Result<std::unique_ptr<Stream>>> SystemTls::client(std::unique_ptr<Stream>, TlsClient) { co_return fail(Code::unsupported, "no TLS"); }
rt::Task<Result<std::unique_ptr<Stream>>> SystemTls::server(std::unique_ptr<Stream>, const TlsServer&) { co_return fail(Code::unsupported, "no TLS"); }
Result<Identity> SystemTls::make_identity(const std::string&, const std::vector<std::string>&) { return fail(Code::unsupported, "no TLS"); }
Result<Fingerprint> SystemTls::fingerprint_of(const Identity&) { return fail(Code::unsupported, "no TLS"); }
}
