// Runs a fuzz target over its seeds without a fuzzer: every file, and every file cut short, so that what a
// fuzzer once found stays found on machines that have none.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// A copy of the exact size, so that a sanitizer sees one byte too far.
void run(const std::vector<uint8_t>& bytes, size_t length) {
  std::vector<uint8_t> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
  exact.shrink_to_fit();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::set<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (fs::is_regular_file(argv[i])) files.insert(argv[i]);
    if (!fs::is_directory(argv[i])) continue;
    for (const auto& entry : fs::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) files.insert(entry.path());
  }
  size_t runs = 1;
  run({}, 0);
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    std::fprintf(stderr, "replay %s (%zu bytes)\n", file.c_str(), bytes.size());
    const size_t step = bytes.size() / 64 + 1;
    for (size_t cut = 0; cut < bytes.size(); cut += step, ++runs) run(bytes, cut);
    run(bytes, bytes.size());
    ++runs;
  }
  std::printf("%zu inputs from %zu seeds\n", runs, files.size());
}
