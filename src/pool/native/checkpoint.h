// Checkpointer: takes what the overlay holds to its place at rest, so that journal and memory are free again.
//   freeze the layers · journal (and big writes) durable up to there · blocks to new space in address order · data durable ·
//   one commit of the store · journal trimmed · layers dropped
// A death at any step leaves the store as it was before, or as it is after, and the journal with all that the store lacks.
#pragma once

#include "pool/native/admission.h"
#include "pool/native/buffers.h"
#include "pool/native/core.h"
#include "pool/native/followers.h"
#include "pool/native/gather.h"

namespace lockstep::pool::native {

class Checkpointer {
 public:
  Checkpointer(Core& core, Admission& admission, Followers& followers);

  // Runs in the core's scope until its stop is requested.
  void start();
  // One that begins after the call has ended. For whoever must not go on before.
  rt::Task<Result<>> now();

 private:
  struct Piece {
    Place place;
    Span bytes;   // of its load's memory
  };
  struct Load {
    Buffers::Memory memory;
    std::uint64_t blocks = 0;   // of it that are taken
    std::vector<Piece> pieces;
  };
  rt::Task<void> run();
  rt::Task<void> tidy();
  rt::Task<void> let_go(std::vector<std::unique_ptr<Layer>> layers);
  rt::Task<Result<>> once();
  rt::Task<Result<>> place(const Gathered& gathered, std::vector<store::MapChange>& map);
  rt::Task<void> write_load(Load load, Result<>& result);
  rt::Task<void> write_piece(Piece piece, Result<>& result);
  void add_rows(store::Commit& commit);
  [[nodiscard]] bool anything() const;

  Core& core_;
  Admission& admission_;
  Followers& followers_;
  const std::uint64_t due_at_;        // bytes of overlay
  rt::Budget in_flight_;              // buffers on their way to the data file
  Buffers buffers_;
  rt::Signal wake_;
  rt::Signal tidy_wake_;
  std::uint64_t looked_at_ = 0;   // bytes of the overlay when claims on the journal were last compared with their budgets
  bool due_ = false;
  bool tidy_due_ = true;
  std::uint64_t began_ = 0;
  std::uint64_t ended_ = 0;
};

}  // namespace lockstep::pool::native
