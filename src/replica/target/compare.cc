// Answers about what this end holds: hashes for a comparison, records for a source that lost them.
#include <algorithm>
#include "replica/wire/convert.h"

#include "replica/group/ledger.h"
#include "replica/target/target.h"
#include "replica/wire/leaves.h"

namespace lockstep::replica {
namespace {

constexpr std::uint32_t hashes_most = 65536;

}  // namespace

rt::Task<Result<>> Target::on_compare_begin(Channel& channel) {
  Result<> before = co_await on_compare_end();
  if (!before) co_return before;
  std::string label =
      "compare-" + text_of(id_).substr(0, 8) + "-" + std::to_string(ground_.host.clock().wall().us);
  std::string held = purpose("compare", id_);
  Result<SnapshotId> taken = co_await pool_.snapshot(group_, std::move(label), std::move(held));
  if (!taken) co_return fail(taken.error().in("a comparison needs a snapshot"));
  compared_ = *taken;
  Result<> done = co_await pool_.checkpoint();
  if (!done) co_return done;
  co_return co_await channel.send(FrameType::compare_ready);
}

rt::Task<Result<>> Target::on_compare_end() {
  if (!compared_) co_return Result<>{};
  SnapshotId snapshot = *compared_;
  compared_.reset();
  co_return co_await pool_.delete_snapshot(snapshot);
}

rt::Task<Result<>> Target::on_hashes(Channel& channel, Frame frame) {
  wire::HashesWanted wanted;
  Result<> parsed = parse(frame, wanted);
  if (!parsed) co_return parsed;
  if (!compared_ || wanted.member() >= members_.size() || wanted.count() > hashes_most)
    co_return fail(Code::corrupt, "hashes of nothing that is compared here");
  SnapshotId snapshot = *compared_;
  auto hashes = co_await pool_.leaf_hashes(snapshot, wanted.member(), wanted.leaf(), wanted.count());
  if (!hashes) co_return fail(hashes.error());
  Buffer heads = encode_hashes(*hashes);
  std::vector<Span> none;
  co_return co_await channel.send(FrameType::hashes, Span{}, heads, std::move(none));
}

rt::Task<Result<>> Target::on_entries(Channel& channel, Frame frame) {
  wire::EntriesWanted wanted;
  Result<> parsed = parse(frame, wanted);
  if (!parsed) co_return parsed;
  if (!compared_ || wanted.member() >= members_.size())
    co_return fail(Code::corrupt, "a leaf of nothing that is compared here");
  SnapshotId snapshot = *compared_;
  std::uint32_t count = std::max(wanted.count(), 1U);
  if (count > leaves_most) co_return fail(Code::corrupt, "more leaves are asked for than travel at a time");
  Result<Buffer> entries = co_await encoded_leaves(pool_, snapshot, wanted.member(), wanted.leaf(), count);
  if (!entries) co_return fail(entries.error());
  Buffer heads = std::move(*entries);
  std::vector<Span> none;
  co_return co_await channel.send(FrameType::entries, Span{}, heads, std::move(none));
}

// The source lost what came after `after`; this end still has it in its journal, under the same origin
// numbers.
rt::Task<Result<>> Target::on_reclaim(Channel& channel, Frame frame) {
  wire::Reclaim wanted;
  Result<> parsed = parse(frame, wanted);
  if (!parsed) co_return parsed;
  Origin at = origin_from(wanted.after());
  Result<std::optional<Lsn>> lsn = co_await pool_.lsn_of(group_, at);
  if (!lsn) co_return fail(lsn.error());
  if (!*lsn)
    co_return fail(Code::changed, "the records after " + text_of(at) + " have left the journal here");
  Lsn after = **lsn;
  std::uint64_t sequence = 0;
  for (;;) {
    Result<pool::Stream> piece = co_await pool_.stream(group_, after, ground_.options.batch);
    if (!piece) co_return fail(piece.error());
    if (piece->upto <= after) break;
    after = piece->upto;
    Batch batch;
    batch.from = at;
    std::vector<Buffer> scratch;
    scratch.reserve(piece->records.size());
    std::vector<Span> data;
    for (journal::Record& record : piece->records) {
      bool shipped = is_data(record.kind) && (record.flags & journal::flag_resync) == 0;
      auto member = std::find(members_.begin(), members_.end(), record.volume);
      if (!shipped || member == members_.end()) continue;
      if (record.kind == journal::Kind::direct) {
        scratch.emplace_back();
        Result<Span> bytes = co_await pool_.data_of(record, scratch.back());
        if (!bytes) co_return fail(bytes.error());
        record.data = *bytes;
        record.kind = journal::Kind::write;
      }
      record.volume = VolumeId{static_cast<std::uint64_t>(member - members_.begin())};
      at = record.origin;
      if (!record.data.empty()) data.push_back(record.data);
      batch.records.push_back(std::move(record));
    }
    if (batch.records.empty()) continue;
    batch.sequence = ++sequence;
    batch.to = at;
    Buffer heads;
    encode_heads(batch, heads);
    Result<> sent = co_await channel.send(FrameType::batch, Span{}, heads, std::move(data));
    if (!sent) co_return sent;
  }
  co_return co_await channel.send(FrameType::reclaim_end);
}

}  // namespace lockstep::replica
