#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "cli/context.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string name, size, file;
  bool read_only = false, read_write = false;
};

Json volume_of(const Json& resource) {
  const Json own = resource["Oem"]["Lockstep"];
  Json volume;
  volume["name"] = own.value("ExportName", resource.value("Id", ""));
  volume["pool"] = own.value("Pool", "");
  volume["group"] = own.value("Group", Json());
  volume["size_bytes"] = resource.value("CapacityBytes", std::uint64_t{0});
  volume["used_bytes"] = resource.contains("Capacity") ? resource["Capacity"]["Data"].value("ConsumedBytes", Json()) : Json();
  volume["writable"] = own.value("Writable", false);
  volume["read_only"] = own.value("ReadOnly", false);
  volume["sessions"] = own.value("Sessions", Json(0));
  volume["uuid"] = own.value("Uuid", "");
  volume["export"] = own.value("ExportName", "");
  return volume;
}

std::string used_text(const Json& volume) { return volume["used_bytes"].is_number() ? size_text(volume["used_bytes"]) : "?"; }
std::string group_text(const Json& volume) { return volume["group"].is_string() ? volume["group"].get<std::string>() : ""; }

std::string url_of(const Asked& asked) { return storage + "/Volumes/" + id_in_url(asked.name); }

// Where this system's NBD exports answer: beside its control socket.
std::string nbd_uri(const Context& context, const std::string& volume) {
  return "nbd+unix:///" + volume + "?socket=" + (std::filesystem::path(context.target.socket).parent_path() / "nbd.sock").string();
}

// nbdcopy does the copying: it knows holes, many requests in flight, and how to show progress.
Result<> nbdcopy(const std::string& from, const std::string& to) {
  pid_t child = fork();
  if (child == 0) {
    if (isatty(STDERR_FILENO)) execlp("nbdcopy", "nbdcopy", "--progress", "--flush", from.c_str(), to.c_str(), nullptr);
    else execlp("nbdcopy", "nbdcopy", "--flush", from.c_str(), to.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return fail(Code::io, "nbdcopy could not be started; look whether the machine has memory and processes left");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return fail(Code::not_found, "nbdcopy is not installed; on Debian it is in libnbd-bin");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail(Code::io, "nbdcopy from " + from + " to " + to + " failed\nWhat it said is above; the copy is not whole: begin it again.");
  return {};
}

Result<> need_socket(const Context& context) {
  if (!context.target.url.empty()) return fail(Code::invalid, "volume import and export work on the system itself, with --socket; elsewhere use nbdcopy with nbds://");
  return {};
}

Result<> create_sized(Context& context, const std::string& name, Bytes size) {
  Json body;
  body["Name"] = name;
  body["CapacityBytes"] = size.value;
  TRY(Json made, context.post(storage + "/Volumes", body));
  if (context.json) std::cout << volume_of(made).dump(2) << '\n';
  else std::cout << "volume " << name << ", " << size_text(size.value) << ", is exported as " << nbd_uri(context, name) << '\n';
  return {};
}

Result<> create(Context& context, const Asked& asked) {
  TRY(Bytes size, parse_size(asked.size));
  return create_sized(context, asked.name, size);
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(storage + "/Volumes"));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"NAME", "SIZE", "USED", "GROUP", "ACCESS", "SESSIONS"}};
  for (const Json& resource : resources) {
    Json volume = volume_of(resource);
    rows.push_back({volume["name"], size_text(volume["size_bytes"]), used_text(volume), group_text(volume), volume["writable"] ? "read-write" : "read-only", volume["sessions"].dump()});
    all.push_back(std::move(volume));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> show(Context& context, const Asked& asked) {
  TRY(Json resource, context.get(url_of(asked)));
  Json volume = volume_of(resource);
  if (context.json) {
    std::cout << volume.dump(2) << '\n';
    return {};
  }
  std::cout << table({{"volume", volume["name"]},
                      {"size", size_text(volume["size_bytes"])},
                      {"used", used_text(volume)},
                      {"group", group_text(volume)},
                      {"access", volume["writable"] ? "read-write" : "read-only"},
                      {"sessions", volume["sessions"].dump()},
                      {"uuid", volume["uuid"]},
                      {"NBD", nbd_uri(context, volume["export"])}});
  return {};
}

Result<> change(Context& context, const Asked& asked, const Json& body, const std::string& said) {
  TRY(Json changed, context.patch(url_of(asked), body));
  if (context.json) std::cout << volume_of(changed).dump(2) << '\n';
  else std::cout << "volume " << asked.name << " " << said << '\n';
  return {};
}

Result<> resize(Context& context, const Asked& asked) {
  TRY(Bytes size, parse_size(asked.size));
  return change(context, asked, Json{{"CapacityBytes", size.value}}, "has " + size_text(size.value));
}

Result<> set(Context& context, const Asked& asked) {
  if (asked.read_only == asked.read_write) return fail(Code::invalid, "volume set: nothing to change is named; say --read-only or --read-write");
  Json access = asked.read_only ? Json::array({"Read"}) : Json::array({"Read", "Write"});
  return change(context, asked, Json{{"AccessCapabilities", access}}, asked.read_only ? "is read-only" : "may be written");
}

Result<> remove(Context& context, const Asked& asked) {
  TRY_VOID(context.remove(url_of(asked)));
  std::cout << (context.json ? "{}\n" : "volume " + asked.name + " is gone\n");
  return {};
}

Result<> import_file(Context& context, const Asked& asked) {
  TRY_VOID(need_socket(context));
  std::error_code error;
  std::uint64_t size = std::filesystem::file_size(asked.file, error);
  if (error) return fail(Code::not_found, asked.file + ": " + error.message() + "\nName an image that can be read.");
  size = (size + sector_size - 1) / sector_size * sector_size;
  if (auto there = context.get(url_of(asked)); !there) {
    if (there.error().code != Code::not_found) return fail(there.error());
    TRY_VOID(create_sized(context, asked.name, Bytes{size}));
  } else if (there->value("CapacityBytes", std::uint64_t{0}) < size) {
    return fail(Code::invalid, "volume " + asked.name + " is smaller than " + asked.file + " (" + std::to_string(size) + " bytes); resize it first: `lockstep volume resize`");
  }
  return nbdcopy(asked.file, nbd_uri(context, asked.name));
}

Result<> export_file(Context& context, const Asked& asked) {
  TRY_VOID(need_socket(context));
  TRY_VOID(context.get(url_of(asked)));
  if (std::filesystem::exists(asked.file)) return fail(Code::exists, asked.file + " exists already and is not overwritten; name another file or remove it");
  return nbdcopy(nbd_uri(context, asked.name), asked.file);
}

}  // namespace

void add_volume(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("volume", "Block devices, exported over NBD");
  noun->require_subcommand(1);
  auto named = [asked](CLI::App* verb) {
    verb->add_option("volume", asked->name, "POOL/NAME")->required();
    return verb;
  };
  named(add_verb(context, *noun, "create", "Make a thin volume", "volume create fast/data --size 8G", [&context, asked] { return create(context, *asked); }))
      ->add_option("--size", asked->size, "Size, like 512M or 8G")->required();
  add_verb(context, *noun, "list", "All volumes", "volume list", [&context] { return list(context); });
  named(add_verb(context, *noun, "show", "One volume", "volume show fast/data", [&context, asked] { return show(context, *asked); }));
  named(add_verb(context, *noun, "resize", "Grow a volume", "volume resize fast/data --size 16G", [&context, asked] { return resize(context, *asked); }))
      ->add_option("--size", asked->size, "New size")->required();
  auto* verb = named(add_verb(context, *noun, "set", "Change what hosts may do", "volume set fast/data --read-only", [&context, asked] { return set(context, *asked); }));
  verb->add_flag("--read-only", asked->read_only, "Hosts may only read");
  verb->add_flag("--read-write", asked->read_write, "Hosts may write again");
  named(add_verb(context, *noun, "delete", "Delete a volume and what is on it", "volume delete fast/data", [&context, asked] { return remove(context, *asked); }));
  named(add_verb(context, *noun, "import", "Copy a file or image into a volume (made when missing)", "volume import fast/data disk.raw", [&context, asked] { return import_file(context, *asked); }))
      ->add_option("file", asked->file, "Raw image")->required();
  named(add_verb(context, *noun, "export", "Copy a volume into a new file", "volume export fast/data disk.raw", [&context, asked] { return export_file(context, *asked); }))
      ->add_option("file", asked->file, "File that does not exist yet")->required();
}

}  // namespace lockstep::cli
