// Answers: when a write or a flush may be answered: this pool's journal has it, and the targets where the mode says so.
#pragma once

#include "pool/native/core.h"

namespace lockstep::pool::native {

class Answers {
 public:
  explicit Answers(Core& core) : core_(core) {}

  [[nodiscard]] Lsn answerable(const VolumeState& volume) const {
    Lsn here = core_.journal->received();
    if (!volume.group || !volume.group->acks) return here;
    return std::min(here, volume.group->acks->received_elsewhere());
  }
  [[nodiscard]] std::optional<Error> failed(const VolumeState& volume) const;

  void received_moved();                    // or the journal failed
  void acks_moved(GroupState& group);

  rt::Task<Result<>> await_received(Lsn lsn);
  // `volume` must stay: its caller holds it open.
  rt::Task<Result<>> await_answerable(VolumeId volume, Lsn lsn);
  // All that was appended to the pool before the call.
  rt::Task<Result<>> flush(VolumeId volume);

 private:
  void tell(VolumeState& volume);
  Core& core_;
};

}  // namespace lockstep::pool::native
