// Segments: recycled, trimmed, made ahead of need; and looking records up in them.
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

class TrimTest : public TestJournal {};

TEST_F(TrimTest, TrimmedSegmentsAreUsedAgain) {
  open();
  for (int round = 0; round < 30; ++round) {
    fill_segments(2);
    commit();
    trim(journal_->appended());
    settle();
  }
  EXPECT_LE(segments().size(), 6u);
  EXPECT_GT(journal_->first(), Lsn{100});
  EXPECT_EQ(read(Lsn{1}).error().code, Code::changed);
}

TEST_F(TrimTest, TooManyFreeSegmentsAreDeleted) {
  open();
  fill_segments(20);
  commit();
  std::size_t before = segments().size();
  EXPECT_GE(before, 15u);
  trim(journal_->appended());
  settle();
  EXPECT_LE(segments().size(), 1u + options_.free_segments_max + 1u);
}

TEST_F(TrimTest, TheCheckpointIsInTheOldestSegment) {
  open();
  fill_segments(4);
  commit();
  Lsn upto = journal_->appended() - Lsn{2};
  trim(upto);
  Lsn first = journal_->first();
  EXPECT_GT(first, Lsn{1});
  power_cut(Tear::lose_all);
  open(upto);
  EXPECT_EQ(opened_.checkpoint_lsn, upto);
  EXPECT_EQ(journal_->first(), first);
  EXPECT_EQ(replayed_.size(), 2u);
}

TEST_F(TrimTest, MetadataOlderThanTheTrimAreRefused) {
  open();
  fill_segments(4);
  commit();
  trim(journal_->appended());
  close();
  auto opened = try_open(Lsn{0});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("metadata are older than the checkpoint"));
}

TEST_F(TrimTest, WhoReadsOnDoesNotReadAgainWhatHeHasRead) {
  open();
  fill_segments(4);   // four batches of one record in each
  commit();
  Lsn after;
  for (int reads = 0; reads < 7; ++reads) after = must(read(after, 10_KiB)).back().lsn;   // in the midst of the second one
  // What lies before the last batch is not looked at any more, unless somebody asks for what is there.
  for (const std::string& file : segments()) {
    Buffer bytes = host_.disk().bytes_of(file);
    SegmentHeader header = choose_segment_header(bytes).header;
    for (std::uint64_t at = segment_data_start; header.first <= after && at + batch_header_size <= bytes.size(); at += 8) {
      std::optional<BatchHeader> batch = decode_batch_header(Span(bytes).subspan(at, batch_header_size));
      if (batch && batch->last() < after) host_.disk().fail_reads(file, Bytes{at}, Bytes{batch->length});
    }
  }
  Lsn end = journal_->received();
  while (after < end) {
    std::vector<Record> next = must(read(after, 10_KiB));
    EXPECT_EQ(next.front().lsn, after + Lsn{1});
    after = next.back().lsn;
  }
  EXPECT_EQ(read(Lsn{0}).error().code, Code::io);
}

TEST_F(TrimTest, ATrimBeyondTheCheckpointIsRefused) {
  open();
  append_mark("A");
  commit();
  auto trimmed = world_.run(host_.loop(), journal_->trim(Lsn{1}, Lsn{0}));
  EXPECT_EQ(trimmed.error().code, Code::invalid);
}

TEST_F(TrimTest, StaleBatchesOfARecycledSegmentNeverReturn) {
  open();
  // Every segment is full of whole, valid batches of an older use; then the same files are used again and end
  // in the middle of them.
  fill_segments(6);
  commit();
  trim(journal_->appended());
  settle();
  Lsn last = journal_->appended();
  for (int i = 0; i < 20; ++i) {
    append_mark("x");
    commit();
    ++last;
    power_cut(Tear::keep_all);
    open(last - Lsn{1});
    ASSERT_EQ(opened_.last, last);
    ASSERT_THAT(replayed_, ElementsAre("x"));
    ASSERT_FALSE(opened_.damage);
  }
}

TEST_F(TrimTest, AFailedTrimFailsTheJournal) {
  open();
  fill_segments(3);
  commit();
  for (const std::string& file : segments()) host_.disk().fail_syncs(file, 1);
  Lsn all = journal_->appended();
  EXPECT_EQ(world_.run(host_.loop(), journal_->trim(all, all)).error().code, Code::io);
  EXPECT_TRUE(journal_->failed());
}

TEST_F(TrimTest, RecordsWaitInMemoryUntilASegmentIsReady) {
  open();
  settle();
  Lsn last;
  for (std::uint64_t i = 0; i < 60; ++i) last = append(Sample::write(i, 3)).lsn;  // three segments, one spare
  must(journal_->push());
  EXPECT_LT(journal_->received(), last);
  EXPECT_EQ(journal_->room(), 0_B);
  must(commit(last));
  EXPECT_EQ(journal_->received(), last);
  close();
  open();
  EXPECT_EQ(replayed_.size(), 60u);
}

TEST_F(TrimTest, CloseFindsSegmentsForWhatWaits) {
  open();
  for (std::uint64_t i = 0; i < 100; ++i) append(Sample::write(i, 3));
  must(try_close());
  open();
  EXPECT_EQ(replayed_.size(), 100u);
  EXPECT_TRUE(opened_.clean);
}

TEST_F(TrimTest, WithoutSpaceForASegmentTheJournalFailsAndNothingHangs) {
  open();
  settle();
  host_.disk().set_capacity(Bytes{host_.disk().used()});
  while (!journal_->failed()) {
    if (!journal_->append(Sample::write(1, 3).record)) break;
    settle();
  }
  EXPECT_EQ(commit(journal_->appended()).error().code, Code::no_space);
  Lsn received = journal_->received();
  EXPECT_GT(received, Lsn{5});
  kill();
  host_.disk().set_capacity(1_GiB);
  open();
  EXPECT_EQ(opened_.last, received);
}

TEST_F(TrimTest, OldRecordsAreReadFromTheirSegmentAndVerified) {
  open();
  append_mark("needle in the oldest segment");
  fill_segments(4);
  commit();
  EXPECT_EQ(as_text(must(read(Lsn{0}, 1_B)).front().data), "needle in the oldest segment");
  EXPECT_EQ(must(read(Lsn{0}, 1_B)).size(), 1u);
  std::string file = damage("needle in the oldest segment");
  auto bad = read(Lsn{0}, 1_B);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::corrupt);
  EXPECT_THAT(bad.error().message, HasSubstr(file + " at offset 8192"));
}

TEST_F(TrimTest, ASegmentMadeJustBeforeACrashIsNotUsedBeforeItsNameIsDurable) {
  for (std::uint64_t n = 1; n <= 40; ++n) {
    open();
    settle();
    Lsn last = append_mark("A");
    commit();
    fill_segments(1);  // takes the spare; the next one is being made
    host_.disk().die_before(host_.disk().operations() + 1 + n % 13);
    fill_segments_quietly(1);
    if (!host_.alive()) {
      bury();  // killed: what was not synced is still seen
    } else {
      host_.disk().die_before(0);
      kill();
    }
    open();
    last = append_mark("B");
    must(commit(last));  // at once: making the next segment would make the name durable too
    power_cut(Tear::lose_all);
    open();
    ASSERT_FALSE(opened_.damage) << n << *opened_.damage;
    ASSERT_EQ(opened_.last, last) << n;
    kill();
    for (const std::string& file : segments()) must(host_.files().remove(file));
  }
}

TEST_F(TrimTest, ABatchIsWrittenToTheEndOfItsPage) {
  open();
  fill_segments(6);
  commit();
  trim(journal_->appended());
  for (int i = 0; i < 10; ++i) {
    Bytes length{batch_header_size + record_head_size + 3 * (8 + block_size)};
    append(Sample::write(1, 3));
    settle();
    for (const std::string& file : segments()) {
      Buffer bytes = host_.disk().bytes_of(file);
      if (choose_segment_header(bytes).header.first != journal_->received()) continue;
      // The first batch in a segment that was full of others.
      std::size_t end = segment_data_start + length.value, page = align_up(end, page_size);
      EXPECT_TRUE(is_zero(Span(bytes).subspan(end, page - end)));
      EXPECT_FALSE(is_zero(Span(bytes).subspan(page, page_size)));
      return;
    }
  }
  FAIL() << "no segment begins with the last record";
}

TEST_F(TrimTest, ReadingBeyondTheEndFindsNothing) {
  open();
  EXPECT_TRUE(must(read(Lsn{0})).empty());
  append_mark("A");
  EXPECT_TRUE(must(read(Lsn{0})).empty());  // not received yet
  settle();
  EXPECT_EQ(must(read(Lsn{0})).size(), 1u);
  EXPECT_TRUE(must(read(Lsn{1})).empty());
}

TEST_F(TrimTest, TimesNeverGoBackwardsAndAreFound) {
  open();
  EXPECT_EQ(at_time(100), Lsn{0});
  for (std::int64_t i = 1; i <= 200; ++i) {
    Sample sample = Sample::write(static_cast<std::uint64_t>(i), 1 + static_cast<std::uint64_t>(i % 3));
    sample.record.time = WallTime{i % 10 == 0 ? i : i * 10};  // every tenth says that it is earlier
    EXPECT_GE(append(sample).time.us, (i - 1) * 10);
    if (i % 4 == 0) settle();
  }
  close();
  open();
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(at_time(9), Lsn{0});
    EXPECT_EQ(at_time(10), Lsn{1});
    EXPECT_EQ(at_time(15), Lsn{1});
    EXPECT_EQ(at_time(90), Lsn{10});  // record 10 was late: it has the time of record 9
    EXPECT_EQ(at_time(99), Lsn{10});
    EXPECT_EQ(at_time(1234), Lsn{123});
    EXPECT_EQ(at_time(1990), Lsn{200});
    EXPECT_EQ(at_time(99999), Lsn{200});
    close();
    open(Lsn{200});  // nothing but headers is read
  }
  trim(Lsn{200});
  EXPECT_EQ(at_time(1), Lsn{0});
}

TEST_F(TrimTest, WhatComesFromElsewhereKeepsItsDateAndMovesNobodyElses) {
  open();
  append_mark("here", WallTime{1000});
  for (std::int64_t ahead : {900'000, 5}) {
    Sample sample = Sample::write(7, 1);
    sample.record.origin.lsn = Lsn{2};   // as it may happen: its own number here
    sample.record.flags = flag_elsewhere;
    sample.record.time = WallTime{ahead};
    EXPECT_EQ(append(sample).time.us, ahead);
  }
  settle();
  close();
  open();
  EXPECT_EQ(append(Sample::mark("late", WallTime{500})).time.us, 1000);
  EXPECT_EQ(append(Sample::mark("on time", WallTime{2000})).time.us, 2000);
}

TEST_F(TrimTest, BytesAfterShrinkAsTheReaderCatchesUp) {
  open();
  fill_segments(6);
  Bytes all = journal_->bytes_after(Lsn{0});
  EXPECT_GE(all.value, 6u * 5 * 3 * block_size);
  EXPECT_LE(all.value, 6u * 5 * 3 * block_size * 5 / 4);
  Bytes before = all;
  for (Lsn after{1}; after <= journal_->received(); ++after) {
    Bytes now = journal_->bytes_after(after);
    EXPECT_LE(now, before);
    before = now;
  }
  EXPECT_EQ(before, 0_B);
  close();
  open(Lsn{30});
  EXPECT_EQ(journal_->bytes_after(Lsn{0}), all);
}

TEST_F(TrimTest, ADirectRecordWhoseDataDoNotMatchEndsTheJournalThere) {
  open();
  append_mark("A");
  append(Sample::direct(1, 3));
  commit();
  append_mark("B");
  append(Sample::direct(2, 3));
  append_mark("C");
  append(Sample::direct(3, 3));
  append_mark("D");
  settle();
  kill();
  int asked = 0;
  Believe believe = [&asked](const Record& record) { return answer(record, asked); };
  open(Lsn{0}, Lsn{0}, believe);
  EXPECT_EQ(asked, 2);  // not for record 2: the batch after it says that it was durable
  EXPECT_EQ(opened_.last, Lsn{5});
  EXPECT_FALSE(opened_.damage);
  EXPECT_EQ(append_mark("E"), Lsn{6});
  close();
  open();
  EXPECT_EQ(replayed_.size(), 6u);  // what was cut stays cut, though its batch is whole
  EXPECT_EQ(replayed_.back(), "E");
  std::vector<Record> records = must(read(Lsn{4}));
  ASSERT_EQ(records.size(), 1u);  // up to the end of the segment
  EXPECT_EQ(as_text(records[0].data), "C");
  EXPECT_EQ(as_text(must(read(Lsn{5})).front().data), "E");
}

}  // namespace
}  // namespace lockstep::journal
