#include "pool/native/shipping.h"

#include <algorithm>

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;

namespace {

constexpr std::uint64_t head = 64;              // of a record on its way
constexpr Bytes direct_read = 16_KiB;           // of a journal whose records are a few hundred bytes, and come to 64 KiB and more each

// What a record comes to on its way. A direct one takes its blocks along, which the journal does not hold.
std::uint64_t shipped_size(const Record& record) {
  return head + record.checksums.size() + (record.kind == Kind::direct ? record.count * block_size : record.data.size());
}

}  // namespace

rt::Task<Result<Stream>> Shipping::stream(GroupId group, Lsn after, Bytes at_most) {
  constexpr int reads_max = 16;   // then the caller is told how far nothing was found
  GroupState* state = core_.find(group);
  if (!state) co_return fail(Code::not_found, "pool '" + core_.name + "' has no group " + text_of(group));
  Stream out;
  out.upto = after;
  const Lsn received = core_.journal->received();
  if (after + Lsn{1} < core_.journal->first())
    co_return fail(Code::changed, "pool '" + core_.name + "': records after " + std::to_string(after.value) + " are no longer in the journal");
  if (state->last <= after) {
    out.upto = std::max(after, received);
    co_return out;
  }
  std::uint64_t size = 0;
  for (int reads = 0; reads < reads_max && out.upto < received && out.records.empty(); ++reads) {
    const Bytes step = direct_lately_ ? std::min(direct_read, at_most) : at_most;
    Result<std::vector<Record>> read = co_await core_.journal->read(out.upto, step);
    if (!read && read.error().code == Code::corrupt) core_.note_journal_damage(read.error());
    if (!read) co_return fail(std::move(read).error());
    std::vector<Record> records = *std::move(read);
    if (records.empty()) break;
    direct_lately_ = records.front().kind == Kind::direct;
    for (Record& record : records) {
      if (record.group == group && size > 0 && size + shipped_size(record) > at_most.value) co_return out;
      out.upto = record.lsn;
      if (record.group != group) continue;
      size += shipped_size(record);
      out.records.push_back(std::move(record));
    }
  }
  co_return out;
}

rt::Task<Result<Span>> Shipping::data_of(const Record& record, Buffer& scratch) {
  if (record.kind != Kind::direct) co_return record.data;
  auto guard = core_.store->begin_read();
  scratch.resize(record.count * block_size);
  for (std::size_t i = 0; i < record.count;) {
    std::size_t end = i + 1;
    while (end < record.count && record.place(end).value == record.place(i).value + (end - i)) ++end;
    CO_TRY_VOID(co_await core_.store->read_data(record.place(i), MutSpan(scratch).subspan(i * block_size, (end - i) * block_size)));
    i = end;
  }
  for (std::size_t i = 0; i < record.count; ++i) {
    MutSpan bytes = MutSpan(scratch).subspan(i * block_size, block_size);
    if (checksum_of(bytes) == record.checksum(i)) continue;
    std::string what = "record " + std::to_string(record.lsn.value) + ": bytes do not match their checksum";
    CO_TRY_VOID(co_await access_.reader.mend_record(record.volume, record.block + Block{i}, record.place(i), record.checksum(i), std::move(what), bytes));
  }
  co_return Span(scratch);
}

rt::Task<Result<std::optional<Lsn>>> Shipping::lsn_of(GroupId group, Origin origin) {
  GroupState* state = core_.find(group);
  if (!state) co_return fail(Code::not_found, "pool '" + core_.name + "' has no group " + text_of(group));
  const Lsn first = core_.journal->first();
  if (origin == state->row->position && state->last + Lsn{1} >= first) co_return state->last;
  std::optional<Trail::Mark> mark = state->trail.at_or_before(origin);
  if (!mark) co_return std::optional<Lsn>{};
  if (mark->origin == origin && mark->lsn + Lsn{1} >= first) co_return mark->lsn;
  for (Lsn after = std::max(mark->lsn, first) - Lsn{1}; after < core_.journal->received();) {
    CO_TRY(std::vector<Record> records, co_await core_.journal->read(after, 1_MiB));
    if (records.empty()) break;
    for (const Record& record : records) {
      if (record.group != group || record.origin.generation != origin.generation || (record.flags & journal::flag_resync) != 0) continue;
      if (record.origin == origin) co_return record.lsn;
      if (record.origin.lsn > origin.lsn) co_return std::optional<Lsn>{};
    }
    after = records.back().lsn;
    co_await rt::yield(core_.loop);
  }
  co_return std::optional<Lsn>{};
}

rt::Task<Result<>> Shipping::recall() {
  const Lsn first = core_.journal->first();
  for (auto& [id, group] : core_.groups) {
    group->last = first - Lsn{1};   // not after it, unless we find one
    group->times = {};
    group->trail = {};
  }
  Lsn after = first - Lsn{1};
  while (after < core_.journal->received()) {
    Result<std::vector<Record>> records = co_await core_.journal->read(after, 1_MiB);
    if (!records && records.error().code == Code::corrupt && after < core_.store->checkpoint_lsn()) {
      // What the store has by itself is retained for followers only. Whether a group wrote there, nobody can tell: it may have.
      core_.note_journal_damage(records.error());
      after = core_.store->checkpoint_lsn();
      for (auto& [id, group] : core_.groups) group->last = after;
      continue;
    }
    if (!records) co_return fail(std::move(records).error());
    if (records->empty()) break;
    CO_TRY_VOID(recall(*records));
    after = records->back().lsn;
    co_await rt::yield(core_.loop);
  }
  co_return Result<>{};
}

Result<> Shipping::recall(const std::vector<Record>& records) {
  for (const Record& record : records) {
    std::vector<store::CatalogChange> rows;
    if (record.kind == Kind::catalog) {
      TRY(rows, store::decode(record.data));
    }
    core_.trace(record, rows);
  }
  return {};
}

}  // namespace lockstep::pool::native
