#include "os/sim/network.h"

#include "os/sim/life.h"

namespace lockstep::os::sim {

Network::Network(World& world) : world_(world) {}
Network::~Network() = default;
void Network::host_died(Life&, bool) { ignore(world_, "stub"); }

class NoNet final : public Net {
  rt::Task<Result<std::unique_ptr<Listener>>> listen(rt::Loop&, Address) override { co_return fail(Code::unsupported, "network"); }
  rt::Task<Result<std::unique_ptr<Stream>>> connect(rt::Loop&, Address, Duration) override { co_return fail(Code::unsupported, "network"); }
};
class NoTls final : public Tls {
  rt::Task<Result<std::unique_ptr<Stream>>> client(std::unique_ptr<Stream>, TlsClient) override { co_return fail(Code::unsupported, "tls"); }
  rt::Task<Result<std::unique_ptr<Stream>>> server(std::unique_ptr<Stream>, const TlsServer&) override { co_return fail(Code::unsupported, "tls"); }
  Result<Identity> make_identity(const std::string&, const std::vector<std::string>&) override { return fail(Code::unsupported, "tls"); }
  Result<Fingerprint> fingerprint_of(const Identity&) override { return fail(Code::unsupported, "tls"); }
};
std::unique_ptr<Net> make_net(Life&) { return std::make_unique<NoNet>(); }
std::unique_ptr<Tls> make_tls(Life&) { return std::make_unique<NoTls>(); }

}  // namespace lockstep::os::sim
