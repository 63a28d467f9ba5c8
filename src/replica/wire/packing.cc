#include "replica/wire/packing.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

namespace lockstep::replica {
namespace {

constexpr int level = 1;

struct Free {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

std::optional<Buffer> packed(std::span<const Span> parts) {
  std::size_t total = 0;
  for (Span part : parts) total += part.size();
  Buffer out(total - total / 8);
  std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  if (context == nullptr || ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level))) return std::nullopt;
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ZSTD_inBuffer from{parts[i].data(), parts[i].size(), 0};
    ZSTD_EndDirective end = i + 1 == parts.size() ? ZSTD_e_end : ZSTD_e_continue;
    for (;;) {
      std::size_t left = ZSTD_compressStream2(context.get(), &to, &from, end);
      if (ZSTD_isError(left)) return std::nullopt;
      bool done = end == ZSTD_e_end ? left == 0 : from.pos == from.size;
      if (done) break;
      if (to.pos == to.size) return std::nullopt;
    }
  }
  out.resize(to.pos);
  return out;
}

Result<> unpack(Span bytes, MutSpan into) {
  std::size_t size = ZSTD_decompress(into.data(), into.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size) || size != into.size()) return fail(Code::corrupt, "packed data cannot be unpacked to what they were said to be");
  return {};
}

}  // namespace lockstep::replica
