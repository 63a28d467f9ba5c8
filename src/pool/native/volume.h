// NativeVolume: an open volume, or a read-only view of a snapshot of one.
#pragma once

#include <memory>
#include <string>

#include "pool/native/admission.h"
#include "pool/native/answers.h"
#include "pool/native/core.h"
#include "pool/native/reader.h"
#include "pool/native/writer.h"

namespace lockstep::pool::native {

// What volumes need of their pool.
struct Access {
  Core& core;
  Admission& admission;
  Answers& answers;
  Reader& reader;
  Writer& writer;
};

class NativeVolume final : public Volume {
 public:
  NativeVolume(const Access& access, VolumeState& state);                                        // the head
  NativeVolume(const Access& access, VolumeState& state, const store::SnapshotRow& snapshot);   // a view
  ~NativeVolume() override;

  [[nodiscard]] VolumeId id() const override { return source_.volume; }
  [[nodiscard]] VolumeUuid uuid() const override { return state_->row->uuid; }
  [[nodiscard]] const std::string& name() const override { return state_->row->name; }
  [[nodiscard]] Bytes size() const override { return state_->row->size; }
  [[nodiscard]] bool writable() const override { return is_head() && state_->may_write; }
  [[nodiscard]] std::optional<Error> closed() const override;

  Result<std::optional<Lsn>> try_write(Bytes at, Span data) override;
  rt::Task<Result<Lsn>> write(Bytes at, Span data) override;
  rt::Task<Result<Lsn>> zero(Bytes at, Bytes length, bool discard) override;

  Result<bool> try_read(Bytes at, MutSpan into) override;
  rt::Task<Result<>> read(Bytes at, MutSpan into) override;
  rt::Task<Result<>> read_blocks(Block block, std::uint64_t count, MutSpan into, std::vector<Checksum>& checksums) override;
  rt::Task<Result<std::vector<BlockExtent>>> extents(Bytes at, Bytes length, std::size_t most) override;
  rt::Task<Result<Lsn>> rewrite(Block block, std::uint64_t count) override;

  [[nodiscard]] Lsn answerable() const override { return access_.answers.answerable(*state_); }
  [[nodiscard]] std::optional<Error> answers_failed() const override { return access_.answers.failed(*state_); }
  void watch_answers(AnswerWatch& watch) override;
  void unwatch_answers(AnswerWatch& watch) override;
  rt::Task<Result<>> await_answerable(Lsn lsn) override;
  rt::Task<Result<>> flush() override;
  [[nodiscard]] Duration pace() const override;
  Duration hold() override;

  // The head's blocks as its own, whatever volume they came from; at most 15. As rewrite(), but no part of the group's stream, and of volumes
  // that hosts may not write too.
  rt::Task<Result<Lsn>> take_over(Block block, std::uint64_t count) { return access_.writer.rewrite(*this, source_, block, count, true); }
  void look_again() { source_.levels = access_.core.levels_of(state_->id, epoch_of_head); }   // its row names another origin, or none
  // The head becomes another volume row (revert): same name, other history.
  void rebind(VolumeState& state);
  [[nodiscard]] bool is_head() const { return source_.upto == epoch_of_head; }

 private:
  // Empty when [at, at + length) may be asked for at all.
  [[nodiscard]] std::optional<Error> range_error(Bytes at, std::uint64_t length, bool aligned) const;
  [[nodiscard]] std::optional<Error> write_error() const;   // hosts, now

  const Access& access_;
  VolumeState* state_;
  Source source_;
  SnapshotId snapshot_;   // of a view
};

}  // namespace lockstep::pool::native
