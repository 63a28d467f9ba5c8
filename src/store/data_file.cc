#include "store/data_file.h"

namespace lockstep::store {

rt::Task<Result<std::unique_ptr<DataFile>>> DataFile::open(os::Files& files, rt::Loop& loop, std::string path) {
  auto out = std::unique_ptr<DataFile>(new DataFile);
  os::OpenOptions direct;
  direct.create = os::Create::if_missing;
  direct.direct = true;
  auto writes = files.open(loop, path, direct);
  CO_TRY(out->direct_, co_await writes);
  os::OpenOptions cached;
  auto reads = files.open(loop, path, cached);
  CO_TRY(out->cached_, co_await reads);
  out->places_ = out->direct_->size().value / block_size;
  co_return std::move(out);
}

rt::Task<Result<>> DataFile::grow(std::uint64_t places) {
  if (places <= places_) co_return Result<>{};
  auto allocated = direct_->allocate(Bytes{places_ * block_size}, Bytes{(places - places_) * block_size});
  CO_TRY_VOID(co_await allocated);
  // A place may be named by records as soon as it is handed out: the file must not be shorter after a power cut.
  auto synced = direct_->sync();
  CO_TRY_VOID(co_await synced);
  places_ = places;
  co_return Result<>{};
}

}  // namespace lockstep::store
