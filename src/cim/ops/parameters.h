// Parameters of an intrinsic operation: taken by name and kind, each at most once, none left over. Private to cim.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cim/provider.h"
#include "cim/wire/raw.h"

namespace lockstep::cim {

// The first fault stays; what is taken after it has no meaning. NULL is as if it were not there.
class Parameters {
 public:
  explicit Parameters(const RawCall& call) : call_(call), used_(call.parameters.size()) {}

  bool truth(std::string_view name, bool otherwise);
  std::optional<std::uint64_t> number(std::string_view name);
  std::optional<std::string> text(std::string_view name);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  std::optional<std::string> class_name(std::string_view name);
  const RawPath* path(std::string_view name);                       // of an instance or a class; nullptr: not given
  const RawPath* required_path(std::string_view name);
  const RawValue* value(std::string_view name);                     // whatever it is

  // Nothing left over, and all well so far.
  [[nodiscard]] CimAnswer<> done();

 private:
  const RawParameter* take(std::string_view name);
  void wrong(std::string_view name, std::string_view what);

  const RawCall& call_;
  std::vector<bool> used_;
  std::optional<CimError> fault_;
};

}  // namespace lockstep::cim
