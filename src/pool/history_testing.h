// History: a pool under random use by several writers at once, and the model that knows what must be there.
#pragma once

#include <string>
#include <vector>

#include "pool/model_testing.h"

namespace lockstep::pool::testing {

// What a group is filled with: a block tells where it is from, and every fifth one is a hole.
class FillSource final : public Fetch {
 public:
  FillSource(os::sim::Host& host, std::uint64_t seed) : host_(host), rng_(os::sim::Rng(seed).named("fill")) {}

  static std::uint64_t tag_of_block(std::uint64_t block) { return block % 5 == 0 ? 0 : 500'000 + block; }
  static State::Sectors sectors(std::uint64_t size) {
    State::Sectors out(size / sector_size);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = tag_of_block(i / (block_size / sector_size));
    return out;
  }
  // Behind the volume's end, zeroes.
  static void block_into(std::uint64_t block, std::uint64_t size, MutSpan into) {
    for (std::size_t i = 0; i < block_size; i += sector_size) {
      std::uint64_t at = block * block_size + i;
      fill_sector(at < size ? tag_of_block(block) : 0, at / sector_size, into.subspan(i, sector_size));
    }
  }
  rt::Task<Result<>> fetch(VolumeId volume, Block block, std::uint64_t count, MutSpan into) override {
    ++asked;
    Duration wait = std::chrono::microseconds(rng_.below(300));
    if (slow) ignore(co_await rt::sleep_for(host_.loop(), wait, stop_), "as long as it takes");
    if (gone) co_return fail(Code::unreachable, "the other system is gone");
    for (std::uint64_t i = 0; i < count; ++i) block_into(block.value + i, sizes.at(volume), into.subspan(i * block_size, block_size));
    co_return Result<>{};
  }
  // A record that brings these blocks; `bytes` and `sums` hold what it points to.
  journal::Record record(VolumeId volume, std::uint64_t block, std::uint64_t count, Buffer& bytes, Buffer& sums) const {
    journal::Record out;
    out.kind = journal::Kind::write;
    out.flags = journal::flag_resync;
    out.origin.generation.bytes[0] = std::byte{1};
    out.origin.lsn = Lsn{1};
    out.volume = volume;
    out.block = Block{block};
    out.count = count;
    bytes.resize(count * block_size);
    sums.resize(count * 8);
    for (std::uint64_t i = 0; i < count; ++i) {
      MutSpan one = MutSpan(bytes).subspan(i * block_size, block_size);
      block_into(block + i, sizes.at(volume), one);
      store_le(sums.data() + 8 * i, checksum_of(one).value);
    }
    out.data = bytes;
    out.checksums = sums;
    return out;
  }

  std::map<VolumeId, std::uint64_t> sizes;
  std::uint64_t asked = 0;
  bool slow = false;
  bool gone = false;

 private:
  os::sim::Host& host_;
  os::sim::Rng rng_;
  rt::Stop stop_;
};

class History {
 public:
  // `filled`: v0 and v1 are used while they are filled from elsewhere.
  explicit History(std::uint64_t seed, Options options = small_options(), bool filled = false);

  // Makes volumes and groups. An error is the death of the host (if it was told to die).
  Result<> set_up();
  // `count` random steps. Stops early, with an error, when the host dies.
  Result<> steps(int count);
  // One thing that happens; `io`: only reads, writes, flushes and checkpoints.
  Result<> step(bool io = false);

  // The host dies somewhere in a burst of writes, comes back, and is compared with the model. Empty: all is well.
  std::string die(bool power_cut);
  // The host has died by itself, as by a power cut.
  std::string died();
  std::string restart_cleanly();
  // Everything that can be seen, as it is now.
  State look();

  os::sim::World world;
  TestPool p;
  Model model;
  std::string trouble;   // a read that was wrong
  FillSource source;

 private:
  using Rng = os::sim::Rng;
  struct Range {
    Bytes at;
    std::uint64_t length = 0;
  };
  rt::Task<void> one_write(std::string name, Range range, std::uint64_t tag, int& left);
  Result<> burst(int writers, Duration at_most);
  Result<> long_write();
  Result<> zero();
  Result<> flush();
  Result<> read_back();
  Result<> catalogue();
  Result<> begin_fill();
  Result<> finish_fill();
  [[nodiscard]] bool filling();
  rt::Task<void> one_fill(int& left);
  rt::Task<Result<>> fill_some(std::uint64_t from, std::uint64_t to);
  Result<> changed(Result<> done);                        // a catalogue change has ended
  Result<> dead_or(Error error);
  std::string reopen();
  std::string any_volume();
  Range any_range(std::uint64_t size, std::uint64_t most, bool whole_blocks);
  static Model::Effect writes(std::string name, Range range, std::uint64_t tag);

  Rng rng_;
  Lsn flushed_;
  std::uint64_t tag_ = 0;
  int named_ = 0;
  bool filled_ = false;
  bool died_ = false;
};

}  // namespace lockstep::pool::testing
