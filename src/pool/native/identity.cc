#include "pool/native/identity.h"

namespace lockstep::pool::native {

namespace {

constexpr std::uint64_t magic = 0x4C4F4F50'50545354;   // "TSTPPOOL"
constexpr std::uint32_t version = 1;
constexpr std::size_t largest = 4096;

Result<Identity> read_identity(os::Files& files, const std::string& path) {
  TRY(auto file, files.open_blocking(path, os::OpenOptions{.create = os::Create::never, .read_only = true, .direct = false}));
  Buffer bytes(largest);
  TRY(std::size_t n, file->read(Bytes{0}, bytes));
  auto identity = decode_identity(Span(bytes).first(n));
  if (!identity) return fail(identity.error().in(path));
  return identity;
}

Result<> write_identity(os::Files& files, const std::string& path, const Identity& identity) {
  TRY(auto file, files.open_blocking(path, os::OpenOptions{.create = os::Create::if_missing, .read_only = false, .direct = false}));
  Buffer bytes = encode(identity);
  TRY_VOID(file->truncate(Bytes{0}));
  TRY_VOID(file->write(Bytes{0}, bytes));
  return file->sync();
}

}  // namespace

Buffer encode(const Identity& identity) {
  Buffer bytes;
  Writer w(bytes);
  w.u64(magic);
  w.u32(version);
  w.id(identity.id);
  w.text(identity.name);
  w.checksum(checksum_of(bytes));
  return bytes;
}

Result<Identity> decode_identity(Span bytes) {
  Reader r(bytes);
  if (r.u64() != magic) return fail(Code::corrupt, "this is not the identity of a pool");
  std::uint32_t found = r.u32();
  if (r.ok() && found != version)
    return fail(Code::unsupported, "the pool has format " + std::to_string(found) + "; this release knows " + std::to_string(version));
  Identity identity;
  identity.id = r.id<PoolId>();
  identity.name = r.text(100);
  Span before = bytes.first(bytes.size() - r.left());
  Checksum checksum = r.checksum();
  if (!r.ok() || r.left() != 0 || checksum != checksum_of(before) || identity.id.is_none())
    return fail(Code::corrupt, "the pool's identity does not match its checksum");
  return identity;
}

Result<Home> move_in(os::Files& files, os::Random& random, const std::string& directory, const std::string& name, bool create) {
  if (create) TRY_VOID(files.make_directories(directory));
  TRY(bool there, files.exists(directory));
  if (!there) return fail(Code::not_found, directory + ": there is no such directory");
  Home home;
  TRY(home.lock, files.lock(directory + "/lock"));
  TRY(bool settled, files.exists(directory + "/pool"));
  if (settled) {
    TRY(home.identity, read_identity(files, directory + "/pool"));
    if (!name.empty() && home.identity.name != name)
      return fail(Code::exists, directory + ": here lives pool '" + home.identity.name + "', not '" + name + "'");
  } else {
    if (!create) return fail(Code::not_found, directory + ": there is no pool");
    home.fresh = true;
    // A journal or a store without the file that names them may be all that is left of a pool: they are not built upon.
    TRY(bool begun, files.exists(directory + "/pool.new"));
    TRY(bool used, files.exists(directory + "/journal"));
    if (!begun && used)
      return fail(Code::exists, directory + ": there is a journal, but no pool file; give a new pool an empty directory, or bring back '" + directory + "/pool'");
    auto left = begun ? read_identity(files, directory + "/pool.new") : Result<Identity>(fail(Code::not_found, ""));
    home.identity = left ? *left : Identity{random.id<PoolId>(), name};
    home.identity.name = name;
    TRY_VOID(write_identity(files, directory + "/pool.new", home.identity));
    TRY_VOID(files.sync_directory(directory));
  }
  TRY_VOID(files.make_directories(directory + "/journal"));
  TRY_VOID(files.make_directories(directory + "/store"));
  TRY_VOID(files.sync_directory(directory));
  return home;
}

Result<> settle(os::Files& files, const std::string& directory) {
  TRY_VOID(files.sync_directory(directory));
  TRY_VOID(files.rename(directory + "/pool.new", directory + "/pool"));
  return files.sync_directory(directory);
}

}  // namespace lockstep::pool::native
