// Leaf: the bytes of one version of one leaf. docs/formats/store.md, "Leaf".
#pragma once

#include "base/base.h"
#include "store/slot.h"

namespace lockstep::store {

[[nodiscard]] Buffer encode_leaf(const LeafContent& content);
[[nodiscard]] Result<LeafContent> decode_leaf(Span bytes);   // corrupt: anything that encode_leaf() does not write

}  // namespace lockstep::store
