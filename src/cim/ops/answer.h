// What an operation answers: text that is made while it is sent, so that a big answer is never in memory whole. Private to cim.
#pragma once

#include <memory>
#include <string>

#include "cim/provider.h"

namespace lockstep::cim {

class Items {
 public:
  virtual ~Items() = default;
  // Appends the next few; false: there are no more.
  virtual bool more(std::string& out) = 0;
};

// Everything between IMETHODRESPONSE or METHODRESPONSE and its end.
struct Produced {
  std::string head;
  std::unique_ptr<Items> items;
  std::string tail;
};

}  // namespace lockstep::cim
