#include "journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal/format.h"
#include "journal/test_journal.h"

namespace lockstep::journal {
namespace {

using os::sim::must;
using os::sim::Tear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JournalTest : public TestJournal {};

TEST_F(JournalTest, ANewJournalIsEmptyAndClean) {
  open();
  EXPECT_EQ(opened_.last, Lsn{0});
  EXPECT_TRUE(opened_.clean);
  EXPECT_FALSE(opened_.damage);
  EXPECT_EQ(journal_->first(), Lsn{1});
  EXPECT_GT(journal_->room(), 40_KiB);
}

TEST_F(JournalTest, RecordsAreInTheFileAtTheEndOfTheirTurnAndNotBefore) {
  open();
  EXPECT_EQ(append_mark("A"), Lsn{1});
  EXPECT_EQ(append_mark("B"), Lsn{2});
  EXPECT_EQ(journal_->received(), Lsn{0});
  settle();
  EXPECT_EQ(journal_->received(), Lsn{2});
  EXPECT_EQ(journal_->durable(), Lsn{0});
  append_mark("C");
  must(journal_->push());
  EXPECT_EQ(journal_->received(), Lsn{3});
}

TEST_F(JournalTest, ACommittedRecordSurvivesThePowerCut) {
  open();
  append_mark("A");
  commit();
  EXPECT_EQ(journal_->durable(), Lsn{1});
  append_mark("B");
  settle();
  power_cut(Tear::lose_all);
  open();
  EXPECT_THAT(replayed_, ElementsAre("A"));
  EXPECT_FALSE(opened_.clean);
  EXPECT_FALSE(opened_.damage);
}

TEST_F(JournalTest, AKilledProcessLosesNothingThatWasReceived) {
  open();
  append_mark("A");
  commit();
  append_mark("B");
  settle();
  append_mark("C");  // of a turn that never ended
  kill();
  open();
  EXPECT_THAT(replayed_, ElementsAre("A", "B"));
  EXPECT_EQ(journal_->durable(), Lsn{2});  // replay made it so
  power_cut(Tear::lose_all);
  open();
  EXPECT_THAT(replayed_, ElementsAre("A", "B"));
}

TEST_F(JournalTest, TornTailIsDroppedWhole) {
  for (int i = 0; i < 30; ++i) {
    open();
    append_mark("A");
    commit();
    append_mark("B");
    append(Sample::write(1, 3));
    settle();
    power_cut(Tear::mid_sector);
    open();
    ASSERT_TRUE(replayed_.size() == 1 || replayed_.size() == 3) << i;
    ASSERT_FALSE(opened_.damage) << *opened_.damage;
    trim(opened_.last);
    close();
    for (const std::string& file : segments()) must(host_.files().remove(file));
    host_.kill();
    host_.restart();
  }
}

TEST_F(JournalTest, WhatFollowsATornTailIsReadAfterItForEver) {
  open();
  append_mark("A");
  commit();
  append_mark("lost");
  settle();
  power_cut(Tear::lose_all);
  open();
  EXPECT_EQ(append_mark("B"), Lsn{2});
  commit();
  power_cut(Tear::lose_all);
  open();
  append_mark("C");
  close();
  open();
  EXPECT_THAT(replayed_, ElementsAre("A", "B", "C"));
  EXPECT_TRUE(opened_.clean);
}

TEST_F(JournalTest, TheCleanMarkIsGoneOnceTheJournalIsOpen) {
  open();
  append_mark("A");
  close();
  open();
  EXPECT_TRUE(opened_.clean);
  kill();
  open();
  EXPECT_FALSE(opened_.clean);
  EXPECT_THAT(replayed_, ElementsAre("A"));
}

TEST_F(JournalTest, OpeningAgainAndAgainTakesNoSegments) {
  open();
  append_mark("A");
  close();
  for (int i = 0; i < 10; ++i) {
    open();
    settle();
    close();
  }
  EXPECT_LE(segments().size(), 4u);
  std::uint64_t incarnation = 0;
  for (const std::string& file : segments())
    incarnation =
        std::max(incarnation, choose_segment_header(host_.disk().bytes_of(file)).header.incarnation);
  EXPECT_EQ(incarnation, 11u);
  open();
  EXPECT_THAT(replayed_, ElementsAre("A"));
}

TEST_F(JournalTest, EveryPartOfARecordComesBack) {
  open();
  std::vector<std::string> appended;
  for (std::uint64_t i = 0; i < 200; ++i) {
    Sample sample(i);
    Record copy = append(sample);
    EXPECT_EQ(copy.origin.generation, sample.record.origin.generation);
    if (sample.record.origin.lsn.value == 0)
      EXPECT_EQ(copy.origin.lsn, copy.lsn);
    else
      EXPECT_EQ(copy.origin.lsn, sample.record.origin.lsn);
    EXPECT_EQ(to_buffer(copy.data), sample.data);
    appended.push_back(copy.kind == Kind::mark ? std::string(as_text(copy.data)) : print(copy));
    if (i % 7 == 0) settle();
  }
  close();
  open();
  EXPECT_EQ(replayed_, appended);
  std::vector<std::string> again;
  for (Lsn after; after < journal_->received();) {
    for (const Record& record : must(read(after, 10_KiB))) {
      EXPECT_EQ(record.lsn, after + Lsn{1});
      after = record.lsn;
      again.push_back(record.kind == Kind::mark ? std::string(as_text(record.data)) : print(record));
    }
  }
  EXPECT_EQ(again, appended);
}

TEST_F(JournalTest, RecordsThatAreHeldOutliveTheJournal) {
  open();
  Record held = append(Sample::mark("held"));
  close();
  EXPECT_EQ(as_text(held.data), "held");
}

TEST_F(JournalTest, RecordsWhosePartsDoNotFitAreRefused) {
  open();
  Sample sample = Sample::write(1, 2);
  Record r = sample.record;
  r.count = 3;
  EXPECT_EQ(journal_->append(r).error().code, Code::invalid);
  r = sample.record;
  r.data = r.data.first(100);
  EXPECT_EQ(journal_->append(r).error().code, Code::invalid);
  r = sample.record;
  r.kind = static_cast<Kind>(77);
  EXPECT_EQ(journal_->append(r).error().code, Code::invalid);
  EXPECT_EQ(journal_->append(Sample::write(1, 9).record).error().code,
            Code::invalid);  // batch_max is 8 blocks
  EXPECT_EQ(append(Sample::write(1, 8)).lsn, Lsn{1});
  commit();
}

// A sync takes 100 us or more.
TEST_F(JournalTest, CommitsGatherWhileAsManySyncsRunAsMay) {
  options_.segment_size = 1_MiB;   // one is enough
  open();
  settle();
  std::vector<std::shared_ptr<std::optional<Result<>>>> waiting;
  std::uint64_t before = host_.disk().operations();
  for (int i = 0; i < 20; ++i) {
    append_mark("x");
    waiting.push_back(world_.start(host_.loop(), journal_->commit(journal_->appended())));
    world_.run_for(std::chrono::microseconds(9));
  }
  settle();
  for (auto& commit : waiting) EXPECT_TRUE((*commit)->has_value());
  // A write each; syncs: at once those that may, each followed by another, and one for the rest.
  EXPECT_LE(host_.disk().operations() - before, 20u + 2 * options_.syncs + 1);
}

TEST_F(JournalTest, ACommitDoesNotWaitForASyncThatBeginsAfterAnothersEnd) {
  open();
  settle();
  for (int i = 0; i < 20; ++i) {
    append_mark("A");
    auto first = world_.start(host_.loop(), journal_->commit(journal_->appended()));
    world_.run_for(std::chrono::microseconds(50));
    append_mark("B");
    auto second = world_.start(host_.loop(), journal_->commit(journal_->appended()));
    world_.run_for(std::chrono::microseconds(3200));   // the longest sync
    EXPECT_TRUE(first->has_value() && second->has_value());
    settle();
  }
}

TEST_F(JournalTest, SyncsCountInTheOrderInWhichTheyBegan) {
  open();
  settle();
  int alone = 0;
  for (int i = 0; i < 50; ++i) {
    Lsn a = append_mark("A");
    auto first = world_.start(host_.loop(), journal_->commit(a));
    world_.run_for(std::chrono::microseconds(50));
    Lsn b = append_mark("B");
    auto second = world_.start(host_.loop(), journal_->commit(b));
    while (!second->has_value()) {
      world_.run_for(std::chrono::microseconds(20));
      EXPECT_TRUE(!second->has_value() || first->has_value());
      if (first->has_value() && !second->has_value() && journal_->durable() == a) ++alone;
    }
    EXPECT_EQ(journal_->durable(), b);
  }
  EXPECT_GT(alone, 0);
}

// Each of four syncs, one after the other begun, is the one that is told.
TEST_F(JournalTest, WhatAFailedSyncCoveredIsAnsweredByNoneBesideIt) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    open();
    settle();
    std::vector<std::pair<Lsn, std::shared_ptr<std::optional<Result<>>>>> waiting;
    for (std::uint64_t k = 0; k < 4; ++k) {
      Lsn lsn = append_mark("x");
      waiting.emplace_back(lsn, world_.start(host_.loop(), journal_->commit(lsn)));
      world_.run_for(std::chrono::microseconds(10));
      if (k != i % 4) continue;
      for (const std::string& file : segments()) host_.disk().fail_syncs(file, 1);
    }
    settle();
    const Lsn promised = journal_->durable();
    EXPECT_TRUE(journal_->failed());
    for (const auto& [lsn, answer] : waiting) EXPECT_EQ((*answer)->has_value(), lsn <= promised);
    EXPECT_FALSE(commit(waiting.back().first));
    EXPECT_EQ(journal_->durable(), promised);
    power_cut(Tear::any);
    for (const std::string& file : segments()) host_.disk().fail_syncs(file, 0);
    open();
    EXPECT_GE(opened_.last, promised);
    close();
  }
}

TEST_F(JournalTest, ACommitOfARecordThatWasNeverAppendedIsRefused) {
  open();
  EXPECT_EQ(commit(Lsn{5}).error().code, Code::invalid);
}

TEST_F(JournalTest, AFailedSyncIsFinal) {
  open();
  settle();
  append_mark("A");
  settle();
  int told = 0;
  journal_->on_received([&] { ++told; });
  host_.disk().fail_syncs(segments().front(), 1);
  EXPECT_EQ(commit(Lsn{1}).error().code, Code::io);
  EXPECT_TRUE(journal_->failed());
  EXPECT_EQ(told, 1);
  EXPECT_EQ(journal_->append(Sample::mark("B").record).error().code, Code::io);
  EXPECT_EQ(commit(Lsn{1}).error().code, Code::io);
  EXPECT_EQ(try_close().error().code, Code::io);
}

TEST_F(JournalTest, AFailedWriteIsFinal) {
  open();
  settle();
  host_.disk().fail_writes(segments().front(), 1);
  append_mark("A");
  EXPECT_EQ(commit(Lsn{1}).error().code, Code::io);
  EXPECT_TRUE(journal_->failed());
  EXPECT_EQ(journal_->received(), Lsn{0});
}

TEST_F(JournalTest, DamageBeforeWhatWasDurableIsNamed) {
  open();
  append_mark("first");
  commit();
  append_mark("second");
  commit();
  append_mark("third");
  commit();
  kill();
  std::string file = damage("second");
  open();
  ASSERT_TRUE(opened_.damage);
  EXPECT_THAT(*opened_.damage, HasSubstr(file + " is damaged at offset 12288"));
  EXPECT_THAT(replayed_, ElementsAre("first"));
  EXPECT_EQ(journal_->append(Sample::mark("no").record).error().code, Code::read_only);
  EXPECT_EQ(must(read(Lsn{0})).size(), 1u);
  std::uint64_t fingerprint = host_.disk().fingerprint();
  close();
  EXPECT_EQ(host_.disk().fingerprint(), fingerprint);  // nothing was touched
}

TEST_F(JournalTest, TheMetadataKnowThatALostTailWasDurable) {
  open();
  append_mark("first");
  commit();
  append_mark("second");
  commit();
  kill();
  damage("second");
  open(Lsn{0}, Lsn{2});
  EXPECT_TRUE(opened_.damage);
  kill();
  open(Lsn{0}, Lsn{1});  // without that word it looks like a torn tail
  EXPECT_FALSE(opened_.damage);
  EXPECT_THAT(replayed_, ElementsAre("first"));
}

TEST_F(JournalTest, AfterACleanCloseADamagedTailIsDamage) {
  open();
  append_mark("first");
  append_mark("second");
  close();
  damage("second");
  open();
  EXPECT_TRUE(opened_.damage);
}

TEST_F(JournalTest, DamageOfWhatTheMetadataHoldIsPassedOver) {
  for (bool header : {false, true}) {
    open();
    Lsn before = journal_->received();
    append_mark("first");
    commit();
    append_mark("second");
    commit();
    append_mark("third");
    commit();
    kill();
    std::string file = damage("second");
    if (header) host_.disk().corrupt(file, Bytes{12288 + 16});
    open(before + Lsn{2});
    ASSERT_FALSE(opened_.damage) << *opened_.damage;
    EXPECT_THAT(replayed_, ElementsAre("third"));
    EXPECT_EQ(opened_.last, before + Lsn{3});
    auto gone = read(before);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Code::corrupt);
    EXPECT_THAT(gone.error().message, HasSubstr(file));
    EXPECT_EQ(must(read(before + Lsn{2})).size(), 1u);
    append_mark("fourth");
    commit();
    kill();
    open(before + Lsn{3});
    EXPECT_FALSE(opened_.damage);
    EXPECT_THAT(replayed_, ElementsAre("fourth"));
    close();
    must(host_.files().remove(file));
    for (const std::string& other : segments()) must(host_.files().remove(other));
  }
}

TEST_F(JournalTest, AfterACleanCloseADestroyedTailThatTheMetadataHoldIsPassedOver) {
  open();
  append_mark("first");
  append_mark("second");
  close();
  std::string file = damage("second");
  host_.disk().corrupt(file, Bytes{8192 + 16});
  open(Lsn{2});
  ASSERT_FALSE(opened_.damage) << *opened_.damage;
  EXPECT_EQ(opened_.last, Lsn{2});
  append_mark("third");
  commit();
  kill();
  open(Lsn{2});
  EXPECT_FALSE(opened_.damage);
  EXPECT_THAT(replayed_, ElementsAre("third"));
}

TEST_F(JournalTest, DamageThatReachesBeyondTheMetadataIsDamage) {
  open();
  append_mark("first");
  append_mark("second");
  append_mark("third");
  commit();
  append_mark("fourth");
  commit();
  kill();
  damage("second");
  open(Lsn{2});
  EXPECT_TRUE(opened_.damage);
}

TEST_F(JournalTest, AMissingSegmentIsDamage) {
  open();
  fill_segments(4);
  commit();
  append_mark("last");
  commit();
  close();
  auto files = segments();
  ASSERT_GE(files.size(), 4u);
  must(host_.files().remove(files[1]));
  open();
  ASSERT_TRUE(opened_.damage);
  EXPECT_THAT(*opened_.damage, HasSubstr("missing"));
}

TEST_F(JournalTest, ASegmentWithoutAnyHeaderIsDamageWhenItHoldsWhatWasDurable) {
  open();
  fill_segments(2);
  append_mark("A");
  commit();
  append_mark("B");
  commit();
  close();
  std::string last;
  for (const std::string& file : segments()) {
    Buffer bytes = host_.disk().bytes_of(file);
    FoundHeader found = choose_segment_header(bytes);
    if (found.state == HeaderState::valid && found.header.clean) last = file;
  }
  ASSERT_NE(last, "");
  host_.disk().corrupt(last, 40_B);
  host_.disk().corrupt(last, 4136_B);
  open();
  ASSERT_TRUE(opened_.damage);
  EXPECT_THAT(*opened_.damage, HasSubstr("the header of segment " + last + " is destroyed"));
}

TEST_F(JournalTest, OneDestroyedCopyOfAnyHeaderIsSurvived) {
  for (Bytes copy : {0_B, 4096_B}) {
    open();
    fill_segments(3);
    commit();
    kill();
    for (const std::string& file : segments()) {
      FoundHeader found = choose_segment_header(host_.disk().bytes_of(file));
      if (found.state == HeaderState::valid && found.header.first > Lsn{1})  // the very first is written once
        host_.disk().corrupt(file, copy + 77_B);
    }
    open();
    EXPECT_FALSE(opened_.damage) << *opened_.damage;
    EXPECT_EQ(replayed_.size(), opened_.last.value);
    EXPECT_EQ(opened_.last, Lsn{15});
    kill();
    for (const std::string& file : segments()) must(host_.files().remove(file));
  }
}

TEST_F(JournalTest, AnotherPoolsJournalIsRefused) {
  open();
  append_mark("A");
  close();
  pool_.bytes[5] = std::byte{9};
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr("belongs to pool"));
}

TEST_F(JournalTest, GarbageIsRefused) {
  must(host_.files().make_directories("/pool/journal"));
  auto file =
      must(host_.files().open_blocking("/pool/journal/segment-00000001", {.create = os::Create::if_missing}));
  must(file->write(0_B, as_span("this is not a journal")));
  file.reset();
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
}

TEST_F(JournalTest, ALaterFormatIsRefused) {
  open();
  close();
  std::string path = segments().front();
  Buffer bytes = host_.disk().bytes_of(path);
  for (std::size_t copy : {0u, 4096u}) {
    store_le(bytes.data() + copy + 8, std::uint32_t{2});
    store_le(bytes.data() + copy + 152, checksum_of(Span(bytes).subspan(copy, 152)).value);
  }
  auto file = must(host_.files().open_blocking(path, {}));
  must(file->write(0_B, Span(bytes).first(8192)));
  file.reset();
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::unsupported);
}

TEST_F(JournalTest, ARefusedRecordEndsTheOpening) {
  open();
  append_mark("A");
  close();
  OnRecord refuse = [](const Record&) -> Result<> { return fail(Code::corrupt, "no"); };
  auto opened = world_.run(host_.loop(), journal::open(host_, host_.loop(), "/pool/journal", pool_, options_,
                                                       Lsn{0}, Lsn{0}, refuse, {}));
  EXPECT_EQ(opened.error().message, "no");
}

}  // namespace
}  // namespace lockstep::journal
