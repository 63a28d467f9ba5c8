#include "nbd/nbd.h"

namespace lockstep::nbd {

Found::Found(rt::Loop& loop, pool::VolumeRef volume, std::string description)
    : loop_(&loop),
      volume_(std::move(volume)),
      description_(std::move(description)),
      size_(volume_->size()),
      writable_(volume_->writable()),
      uuid_(volume_->uuid()) {}

Found& Found::operator=(Found&& other) noexcept {
  if (this != &other) {
    release();
    loop_ = other.loop_;
    volume_ = std::move(other.volume_);
    description_ = std::move(other.description_);
    size_ = other.size_;
    writable_ = other.writable_;
    uuid_ = other.uuid_;
  }
  return *this;
}

Found::~Found() { release(); }

pool::VolumeRef Found::take() { return std::move(volume_); }

void Found::release() {
  if (!volume_) return;
  if (rt::Loop::current() == loop_) {
    volume_.reset();
  } else {
    loop_->post(rt::Callback([volume = std::move(volume_)]() mutable { volume.reset(); }));
  }
}

}  // namespace lockstep::nbd
