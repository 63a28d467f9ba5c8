#include "os/sim/content.h"

#include <algorithm>
#include <cstring>

namespace lockstep::os::sim {

std::uint64_t Content::pages_missing(std::uint64_t at, std::uint64_t length) const {
  if (length == 0) return 0;
  std::uint64_t first = at / page_size, last = (at + length - 1) / page_size;
  auto have = static_cast<std::uint64_t>(std::distance(pages_.lower_bound(first), pages_.upper_bound(last)));
  return last - first + 1 - have;
}

Content::Page& Content::writable(std::uint64_t number) {
  std::shared_ptr<Page>& page = pages_[number];
  if (!page) page = std::make_shared<Page>();
  else if (page.use_count() > 1) page = std::make_shared<Page>(*page);
  return *page;
}

void Content::read(std::uint64_t at, MutSpan into) const {
  while (!into.empty()) {
    std::uint64_t inside = at % page_size;
    std::size_t n = std::min<std::size_t>(into.size(), page_size - inside);
    auto it = pages_.find(at / page_size);
    if (it == pages_.end() || !it->second) std::memset(into.data(), 0, n);
    else std::memcpy(into.data(), it->second->data() + inside, n);
    into = into.subspan(n);
    at += n;
  }
}

void Content::write(std::uint64_t at, Span from) {
  size_ = std::max(size_, at + from.size());
  while (!from.empty()) {
    std::uint64_t inside = at % page_size;
    std::size_t n = std::min<std::size_t>(from.size(), page_size - inside);
    std::memcpy(writable(at / page_size).data() + inside, from.data(), n);
    from = from.subspan(n);
    at += n;
  }
}

void Content::truncate(std::uint64_t size) {
  if (size < size_) {
    pages_.erase(pages_.lower_bound((size + page_size - 1) / page_size), pages_.end());
    if (auto it = pages_.find(size / page_size); size % page_size != 0 && it != pages_.end() && it->second) {
      Page& page = writable(size / page_size);
      std::fill(page.begin() + static_cast<std::ptrdiff_t>(size % page_size), page.end(), std::byte{0});
    }
  }
  size_ = size;
}

void Content::allocate(std::uint64_t at, std::uint64_t length) {
  if (length == 0) return;
  for (std::uint64_t n = at / page_size; n <= (at + length - 1) / page_size; ++n) pages_.try_emplace(n);
  size_ = std::max(size_, at + length);
}

void Content::punch(std::uint64_t at, std::uint64_t length) {
  std::uint64_t end = std::min(at + length, size_);
  while (at < end) {
    std::uint64_t inside = at % page_size;
    std::uint64_t n = std::min(end - at, page_size - inside);
    auto it = pages_.find(at / page_size);
    if (it != pages_.end()) {
      if (n == page_size || (inside == 0 && at + n == size_)) {
        pages_.erase(it);
      } else if (it->second) {
        auto from = writable(at / page_size).begin() + static_cast<std::ptrdiff_t>(inside);
        std::fill(from, from + static_cast<std::ptrdiff_t>(n), std::byte{0});
      }
    }
    at += n;
  }
}

}  // namespace lockstep::os::sim
