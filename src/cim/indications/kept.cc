#include "cim/indications/kept.h"

#include <utility>

#include "cim/wire/reader.h"
#include "cim/wire/typed.h"
#include "cim/wire/write.h"

namespace lockstep::cim {

namespace {

constexpr Bytes file_most = 16_MiB;

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Result<std::string> whole_file(os::Files& files, const std::string& path) {
  os::OpenOptions options;
  options.read_only = true;
  TRY(std::unique_ptr<os::BlockingFile> file, files.open_blocking(path, options));
  TRY(Bytes size, file->size());
  if (size > file_most) return fail(Code::corrupt, path + ": more than " + std::to_string(file_most.value) + " bytes");
  std::string text(size.value, '\0');
  TRY(std::size_t got, file->read(Bytes{0}, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
  text.resize(got);
  return text;
}

std::unexpected<Error> damaged(const std::string& path, const std::string& why) {
  return fail(Code::corrupt, path + ": " + why + "; remove the file and let clients subscribe again");
}

}  // namespace

Result<std::vector<Instance>> read_kept(os::Files& files, const std::string& path) {
  TRY(bool there, files.exists(path));
  if (!there) return std::vector<Instance>{};
  TRY(std::string text, whole_file(files, path));
  ScanLimits limits;
  limits.bytes_most = file_most.value;
  limits.elements_most = 2'000'000;
  auto raw = read_instances(text, limits);
  if (!raw) return damaged(path, raw.error());
  std::vector<Instance> out;
  for (const RawInstance& one : *raw) {
    auto instance = typed_instance(one);
    if (!instance) return damaged(path, instance.error().message);
    out.push_back(*std::move(instance));
  }
  return out;
}

Result<> write_kept(os::Files& files, const std::string& path, const std::vector<Instance>& instances) {
  std::string text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<SUBSCRIPTIONS>\n";
  Place place{"localhost", std::string(interop_name_space)};
  for (const Instance& instance : instances) {
    write_instance(text, instance, place, Shown{});
    text += "\n";
  }
  text += "</SUBSCRIPTIONS>\n";
  std::string fresh = path + ".new";
  os::OpenOptions options;
  options.create = os::Create::if_missing;
  {
    TRY(std::unique_ptr<os::BlockingFile> file, files.open_blocking(fresh, options));
    TRY_VOID(file->truncate(Bytes{0}));
    TRY_VOID(file->write(Bytes{0}, as_span(text)));
    TRY_VOID(file->sync());
  }
  TRY_VOID(files.rename(fresh, path));
  return files.sync_directory(directory_of(path));
}

}  // namespace lockstep::cim
