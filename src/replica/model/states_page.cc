// The tables as a page for people; and what hosts may do meanwhile.
#include "replica/model/states.h"
#include "replica/model/times.h"

namespace lockstep::replica {
namespace {

constexpr SyncType types[] = {SyncType::mirror, SyncType::snapshot, SyncType::clone, SyncType::tokenized_clone};

std::string header(std::string_view first) {
  std::string names = "| " + std::string(first) + " |";
  std::string rule = "| --- |";
  for (auto s = static_cast<int>(first_column); s <= static_cast<int>(last_column); ++s) {
    names += " " + std::to_string(s) + " " + std::string(name_of(static_cast<CopyState>(s))) + " |";
    rule += " --- |";
  }
  return names + "\n" + rule + "\n";
}

using Table = Cell (*)(SyncType type, Operation operation, CopyState state) noexcept;

std::string row(Table table, SyncType type, Operation operation) {
  std::string out = "| " + std::to_string(static_cast<int>(operation)) + " " + std::string(name_of(operation)) + " |";
  for (auto s = static_cast<int>(first_column); s <= static_cast<int>(last_column); ++s)
    out += " " + text_of(table(type, operation, static_cast<CopyState>(s))) + " |";
  return out + "\n";
}

std::string access_row(SyncType type, bool whole) {
  std::string out = "| " + std::string(name_of(type)) + (whole ? ", whole |" : ", first copy not ended |");
  for (auto s = static_cast<int>(first_column); s <= static_cast<int>(last_column); ++s)
    out += " " + std::string(name_of(target_access(type, static_cast<CopyState>(s), whole))) + " |";
  return out + "\n";
}

// Only operations that note something.
std::string times_row(SyncType type, Operation operation) {
  std::string out = "| " + std::string(name_of(type)) + ", " + std::string(name_of(operation)) + " |";
  bool any = false;
  for (auto s = static_cast<int>(first_column); s <= static_cast<int>(last_column); ++s) {
    Noted noted = noted_by(type, operation, static_cast<CopyState>(s));
    any = any || noted != Noted{};
    out += " " + text_of(noted) + " |";
  }
  return any ? out + "\n" : std::string();
}

}  // namespace

Access target_access(SyncType type, CopyState state, bool whole) noexcept {
  if (type == SyncType::tokenized_clone) return Access::read_write;   // it is the hosts' from its first moment
  bool parted = state == CopyState::fractured || state == CopyState::split || state == CopyState::failedover ||
                state == CopyState::skewed;
  bool at_once = is_point(type) && state == CopyState::synchronized;
  if (parted || at_once) return whole ? Access::read_write : Access::none;
  if (!whole || state == CopyState::unsynchronized) return Access::none;
  return Access::read;
}

std::string_view name_of(Access access) noexcept {
  switch (access) {
    case Access::none: return "–";
    case Access::read: return "read";
    case Access::read_write: return "read, write";
  }
  return "–";
}

std::string states_page() {
  std::string out =
      "# Operations and CopyStates\n\n"
      "Made from the tables in `src/replica/model/states.cc`, which also decide what is accepted and what is advertised; do not edit.\n"
      "After a change there: `LOCKSTEP_WRITE_PAGES=1 build/test/replica_test --gtest_filter=StatesPage.*`\n\n"
      "| in a cell | means |\n| --- | --- |\n"
      "| `n` | accepted; ends in CopyState n |\n"
      "| `3>n` | accepted; passes Unsynchronized (3), ends in n; a job |\n"
      "| `=` | accepted, is so already: nothing happens |\n"
      "| `gone` | accepted; the relationship ends |\n"
      "| `cfg` | accepted; the CopyState stays |\n"
      "| `F …` | the target becomes inconsistent or loses writes: the SM model, REST and the command line imply the force it takes |\n"
      "| `…r` | source and target have changed places afterwards |\n"
      "| `x` | refused with 4: the message names the present CopyState, those in which it is legal, and what to do instead |\n"
      "| `1` | refused with 1: the type does not know the operation; the message names those it knows |\n\n"
      "A number outside of 2 to 25 is refused with 5; a second operation while one runs, with 4. AddSyncPair and RemoveSyncPair are\n"
      "refused with 4 while either group is an end of another relationship too, and pairs do not leave (RemoveSyncPair, or Detach and Dissolve\n"
      "of one pair) in the middle of a first copy or a resync, or while the other end cannot be reached.\n";
  for (SyncType type : types) {
    out += "\n## " + std::string(name_of(type)) + "\n" + header("operation");
    for (int o = 2; o <= 25; ++o) out += row(cell, type, static_cast<Operation>(o));
  }
  out +=
      "\n## One pair of a relationship that has several\n"
      "The writes of all pairs keep one order, so no pair stops, starts or turns alone: what would part it from the others is refused. A\n"
      "pair of a Mirror leaves by Detach or Dissolve (its volumes are on their own), or by the group's RemoveSyncPair (it gets a relationship of\n"
      "its own, which follows at once, whatever the CopyState of the others); AddSyncPair brings it back. AddSyncPair of a pair that is there does\n"
      "nothing while data flow, and completes one that broke off where they should. RemoveSyncPair is refused while hosts use the target: the\n"
      "pair's own relationship would overwrite what they wrote. The pairs of the other types are of one instant and do nothing alone. A pair of a\n"
      "group that has no other is the group: its operations are those above.\n";
  for (SyncType type : types) {
    out += "\n### One pair of a " + std::string(name_of(type)) + "\n" + header("operation");
    for (int o = 2; o <= 25; ++o) out += row(pair_cell, type, static_cast<Operation>(o));
  }
  out +=
      "\n## What hosts may do with the target\n"
      "*Whole*: the target holds a state of its source. Once Synchronized it always does: Abort, Prepare and Fracture in the middle of a\n"
      "copy bring back the state before it. The source serves hosts in every CopyState but Failedover (10), and while it is being restored.\n"
      "A mirror's target that is Unsynchronized (3) can be read as long as it follows the journal, since it is one state all the time; not\n"
      "while blocks of a resync come in.\n"
      "A tokenized clone made of new volumes is the hosts' from its first moment, and stays theirs: while it is not whole, what it lacks is fetched when\n"
      "it is read, or the read fails where it cannot be had. One made of volumes that were there already is used when it is whole.\n\n" +
      header("target");
  for (SyncType type : types) {
    out += access_row(type, true);
    out += access_row(type, false);
  }
  out +=
      "\n## Which times an operation notes\n"
      "*Activated*: the flow began (again); of a Snapshot, the instant that it holds. *Synchronized*: the last time that the CopyState became\n"
      "Synchronized; that happens without an operation, too, when a connection is back or pairs have come or gone. *Suspended*, *failed over*:\n"
      "likewise. *Established* is noted at creation. Whatever is not in this table leaves all of them as they were; so does what is refused, or\n"
      "is so already. A mirror that was stopped takes up what it lacks before it is failed over or turned, so it is activated and Synchronized\n"
      "on the way.\n\n" +
      header("operation in");
  for (SyncType type : types)
    for (int o = 2; o <= 25; ++o) out += times_row(type, static_cast<Operation>(o));
  return out;
}

}  // namespace lockstep::replica
