#include "daemon/reach.h"

#include <unistd.h>

#include <array>

namespace lockstep::daemon {

std::string host_name() {
  std::array<char, 256> host{};
  return gethostname(host.data(), host.size() - 1) == 0 ? std::string(host.data()) : std::string();
}

os::Address reachable(os::Address address) {
  if (address.is_unix() || (address.host != "0.0.0.0" && address.host != "::" && !address.host.empty())) return address;
  if (std::string name = host_name(); !name.empty()) address.host = std::move(name);
  return address;
}

Result<std::string> whole_file(os::Files& files, const std::string& path) {
  os::OpenOptions options;
  options.read_only = true;
  TRY(std::unique_ptr<os::BlockingFile> file, files.open_blocking(path, options));
  TRY(Bytes size, file->size());
  if (size > 1_MiB) return fail(Code::invalid, path + ": too large for a certificate or key");
  std::string text(size.value, '\0');
  TRY(std::size_t got, file->read(Bytes{0}, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
  text.resize(got);
  return text;
}

}  // namespace lockstep::daemon
