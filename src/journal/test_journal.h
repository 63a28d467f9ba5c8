// A journal on one simulated host, driven from outside its loop: the fixture of the tests here.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "journal/testing.h"

namespace lockstep::journal {

class TestJournal : public ::testing::Test {
 protected:
  ~TestJournal() override {
    if (journal_) close();
  }

  Result<> try_open(Lsn from = Lsn{0}, Lsn durable_known = Lsn{0}, Believe believe = {}) {
    replayed_.clear();
    OnRecord on_record = [this](const Record& record) -> Result<> {
      replayed_.push_back(record.kind == Kind::mark ? std::string(as_text(record.data)) : print(record));
      return {};
    };
    auto opened = world_.run(host_.loop(), journal::open(host_, host_.loop(), "/pool/journal", pool_,
                                                         options_, from, durable_known, on_record, believe));
    if (!opened) return fail(opened.error());
    opened_ = std::move(*opened);
    journal_ = std::move(opened_.journal);
    return {};
  }
  void open(Lsn from = Lsn{0}, Lsn durable_known = Lsn{0}, Believe believe = {}) {
    os::sim::must(try_open(from, durable_known, believe));
  }
  Result<> try_close() {
    auto closed = world_.run(host_.loop(), journal_->close());
    journal_.reset();
    return closed;
  }
  void close() { ignore(try_close(), "tests that care ask"); }
  void settle() { world_.run_until_idle(); }  // turn ends, spares made
  Record append(const Sample& sample) { return os::sim::must(journal_->append(sample.record)); }
  Lsn append_mark(std::string_view text, WallTime time = {}) { return append(Sample::mark(text, time)).lsn; }
  Result<> commit(Lsn lsn) { return world_.run(host_.loop(), journal_->commit(lsn)); }
  void commit() { os::sim::must(commit(journal_->appended())); }
  Result<std::vector<Record>> read(Lsn after, Bytes at_most = 1_MiB) {
    return world_.run(host_.loop(), journal_->read(after, at_most));
  }
  Lsn at_time(std::int64_t us) {
    return os::sim::must(world_.run(host_.loop(), journal_->at_time(WallTime{us})));
  }
  // A Believe that believes once.
  static rt::Task<Result<bool>> answer(const Record&, int& asked) { co_return ++asked < 2; }
  void trim(Lsn upto) { os::sim::must(world_.run(host_.loop(), journal_->trim(upto, upto))); }
  // The old life ends; what survived is there for the next open().
  void kill() {
    host_.kill();
    bury();
  }
  void power_cut(os::sim::Tear tear) {
    host_.power_cut(tear);
    bury();
  }
  void bury() {
    host_.finish(close_quietly(journal_.get()));
    journal_.reset();
    host_.restart();
  }
  static rt::Task<void> close_quietly(Journal* journal) { ignore(co_await journal->close(), "dead"); }
  // Files of the journal that hold a segment, in the order of their names.
  std::vector<std::string> segments() {
    std::vector<std::string> out;
    for (const std::string& file : host_.disk().all_files())
      if (file.find("segment-") != std::string::npos) out.push_back(file);
    return out;
  }
  // Flips a bit of the first place where `text` lies in a file.
  std::string damage(std::string_view text) {
    for (const std::string& file : segments()) {
      Buffer bytes = host_.disk().bytes_of(file);
      std::size_t at = as_text(bytes).find(text);
      if (at == std::string_view::npos) continue;
      host_.disk().corrupt(file, Bytes{at});
      return file;
    }
    ADD_FAILURE() << text << " is nowhere";
    return "";
  }
  // Appends until `count` more segments are in use.
  void fill_segments(std::size_t count) {
    for (std::size_t i = 0; i < count * 5; ++i) {
      append(Sample::write(i, 3));
      settle();
    }
  }

  // The same, while the host may die.
  void fill_segments_quietly(std::size_t count) {
    for (std::size_t i = 0; i < count * 5; ++i) {
      ignore(journal_->append(Sample::write(i, 3).record), "the host may be dead");
      settle();
    }
  }

  os::sim::World world_{os::sim::test_seed()};
  os::sim::Host& host_ = world_.add_host("a");
  PoolId pool_ = test_pool;
  Options options_ = small_options();
  Opened opened_;
  std::unique_ptr<Journal> journal_;
  std::vector<std::string> replayed_;
};

}  // namespace lockstep::journal
