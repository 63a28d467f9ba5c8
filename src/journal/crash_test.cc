// Power cuts and kills at every operation of a history, and random histories, against a plain model.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "journal/testing.h"

namespace lockstep::journal {
namespace {

using os::sim::must;
using os::sim::Rng;
using os::sim::Tear;
using os::sim::test_seed;
using os::sim::World;

// What should be there. It outlives the lives of the host.
struct Model {
  std::vector<std::string> records;  // record n is records[n - 1], as printed
  Lsn committed;                     // answered by commit(), or found by an open: survives power cuts
  Lsn received;                      // survives kills
  Lsn checkpoint;                    // what the "metadata" hold durably: trims never go beyond
  Lsn durable;                       // said to be so when a batch was last written
  std::set<std::string> undone;      // direct records whose data a power cut took
  std::uint64_t next_seed = 1;
  std::string wrong;     // first thing that was not as promised
  bool closing = false;  // the clean mark may be there
  bool closed = false;
  bool ended = false;

  void blame(const std::string& what) {
    if (wrong.empty()) wrong = what;
  }
};

struct Plan {
  std::uint64_t seed = 0;
  int steps = 40;
  bool close_at_end = true;
};

OnRecord follow(Model& model, std::uint64_t& last) {
  return [&model, &last](const Record& record) -> Result<> {
    if (record.lsn.value != last + 1)
      model.blame("record " + std::to_string(record.lsn.value) + " after " + std::to_string(last));
    last = record.lsn.value;
    if (last > model.records.size())
      model.blame("record " + std::to_string(last) + " was never appended");
    else if (print(record) != model.records[last - 1])
      model.blame("record " + print(record) + " should be " + model.records[last - 1]);
    return {};
  };
}

// Data that match were synced before they were looked at.
rt::Task<Result<bool>> believed(const Record& record, Model& model) {
  if (model.undone.contains(print(record))) co_return false;
  model.durable = std::max(model.durable, record.lsn);
  co_return true;
}

// Reads everything back through read(), a little at a time.
rt::Task<void> read_all(Journal& journal, Model& model) {
  Lsn after = journal.first() - Lsn{1};
  Lsn end = journal.received();
  while (after < end && model.wrong.empty()) {
    auto records = co_await journal.read(after, 20_KiB);
    if (!records) {
      if (records.error().code == Code::changed)
        after = journal.first() - Lsn{1};
      else if (!journal.failed() && records.error().code != Code::io)
        model.blame("read: " + records.error().message);
      if (records.error().code != Code::changed) co_return;
      continue;
    }
    if (records->empty()) co_return model.blame("read found nothing after " + std::to_string(after.value));
    for (const Record& record : *records) {
      if (record.lsn != after + Lsn{1})
        model.blame("read: record " + std::to_string(record.lsn.value) + " after " +
                    std::to_string(after.value));
      after = record.lsn;
      if (print(record) != model.records.at(after.value - 1))
        model.blame("read: record " + print(record) + " should be " + model.records[after.value - 1]);
    }
  }
}

rt::Task<void> one_life(os::sim::Host& host, Model& model, Plan plan) {
  rt::Loop& loop = host.loop();
  Rng rng(plan.seed);
  std::uint64_t replayed = model.checkpoint.value;
  OnRecord on_record = follow(model, replayed);
  Options options = small_options();
  std::string directory = "/pool/journal";
  Believe believe = [&model](const Record& record) { return believed(record, model); };
  auto opened = co_await journal::open(host, loop, directory, test_pool, options, model.checkpoint,
                                       model.checkpoint, on_record, believe);
  if (!opened) {
    if (host.alive()) model.blame("open: " + opened.error().message);
    model.closed = false;  // the mark may be gone by now
    model.ended = true;
    co_return;
  }
  Journal& journal = *opened->journal;
  if (opened->damage) model.blame("damage: " + *opened->damage);
  if (opened->last.value != replayed)
    model.blame("opened with last " + std::to_string(opened->last.value) + ", replayed to " +
                std::to_string(replayed));
  Lsn promised = std::max(model.committed, model.received);
  if (opened->last < promised)
    model.blame("promised " + std::to_string(promised.value) + ", found " +
                std::to_string(opened->last.value));
  if (opened->last.value > model.records.size()) model.blame("found more than there ever was");
  if (opened->clean && !model.closing && !model.records.empty()) model.blame("clean, but was not closed");
  if (opened->clean && opened->last.value != model.records.size())
    model.blame("clean, but records are missing");
  if (model.closed && !opened->clean) model.blame("closed, but not clean");
  if (opened->checkpoint_lsn > model.checkpoint) model.blame("checkpoint_lsn beyond the metadata");
  if (!model.wrong.empty()) {
    ignore(co_await journal.close(), "over");
    model.ended = true;
    co_return;
  }
  model.records.resize(opened->last.value);
  model.received = opened->last;
  model.committed = model.durable = opened->last;
  model.undone.clear();
  model.closed = model.closing = false;
  journal.on_received([&model, &journal] {
    model.received = std::max(model.received, journal.received());
    model.durable = std::max(model.durable, journal.durable());
  });

  co_await read_all(journal, model);
  for (int step = 0; step < plan.steps && !journal.failed() && model.wrong.empty(); ++step) {
    std::uint64_t what = rng.below(20);
    if (what < 11) {
      for (std::uint64_t n = 1 + rng.below(4); n > 0; --n) {
        Sample sample(model.next_seed++);
        auto appended = journal.append(sample.record);
        if (!appended) break;
        model.records.push_back(print(*appended));
      }
      if (rng.chance(300)) ignore(journal.push(), "seen by failed()");
    } else if (what < 15) {
      Lsn lsn = journal.appended();
      auto committed = co_await journal.commit(lsn);
      if (committed) model.committed = std::max(model.committed, lsn);
      if (committed && journal.durable() < lsn) model.blame("commit answered before durable() says so");
    } else if (what < 17) {
      // As a checkpoint does: the journal is synced first, then the metadata, then it is trimmed.
      Lsn upto{rng.below(journal.received().value + 1)};
      auto committed = co_await journal.commit(upto);
      if (!committed) break;
      model.committed = std::max(model.committed, upto);
      model.checkpoint = std::max(model.checkpoint, upto);
      Lsn to{rng.below(upto.value + 1)};
      ignore(co_await journal.trim(to, model.checkpoint), "seen by failed()");
    } else if (what == 17) {
      co_await read_all(journal, model);
    } else {
      rt::Stop stop;
      ignore(co_await rt::sleep_for(loop, std::chrono::microseconds(rng.below(3000)), stop), "time passes");
    }
    if (rng.coin()) co_await rt::yield(loop);
  }
  if (plan.close_at_end || !host.alive()) {
    model.closing = true;
    if (co_await journal.close()) {
      model.closed = true;
      model.committed = Lsn{model.records.size()};
    }
  } else {
    rt::Stop stop;
    while (host.alive()) ignore(co_await rt::sleep_for(loop, std::chrono::seconds(1), stop), "until killed");
    ignore(co_await journal.close(), "dead");
  }
  model.ended = true;
}

enum class End { power, kill };

// One life that dies before operation `n` (0: it does not), and what is true of the next one.
void live_and_die(World& world, os::sim::Host& host, Model& model, Plan plan, std::uint64_t n, End end,
                  Tear tear) {
  host.disk().die_before(n == 0 ? 0 : host.disk().operations() + n);
  model.ended = false;
  auto done = world.start(host.loop(), one_life(host, model, plan));
  world.run_until([&] { return model.ended || !host.alive(); },
                  std::chrono::seconds(plan.close_at_end ? 3600 : 1));
  host.disk().die_before(0);
  if (end == End::kill) {
    host.kill();
  } else {
    host.power_cut(tear);
  }
  if (!model.ended) host.finish([&] { return model.ended; });
  if (end == End::power) {
    model.received = model.committed;
    // The data of direct records go before their record, but nothing has said yet that they survive.
    std::uint64_t safe = std::max(model.committed, model.durable).value;
    for (std::size_t i = safe; i < model.records.size() && !model.closing; ++i)
      if (model.records[i].find(":2:") != std::string::npos && world.rng().coin())
        model.undone.insert(model.records[i]);
  }
  host.restart();
}

TEST(Crash, APowerCutBeforeEveryOperationOfAHistoryKeepsThePromises) {
  bool all = false;
  for (std::uint64_t n = 1; !all; ++n) {
    SCOPED_TRACE(n);
    World world{test_seed(n)};
    os::sim::Host& host = world.add_host("a");
    Model model;
    Plan plan{.seed = test_seed(), .steps = 60, .close_at_end = true};
    live_and_die(world, host, model, plan, n, End::power, Tear::any);
    all = model.closed;
    plan.seed = test_seed(n);
    plan.steps = 15;
    live_and_die(world, host, model, plan, 1 + n % 40, End::power, Tear::any);
    live_and_die(world, host, model, plan, 0, End::power, Tear::lose_all);
    live_and_die(world, host, model, plan, 0, End::power, Tear::keep_all);
    ASSERT_EQ(model.wrong, "") << "seed " << world.seed();
    ASSERT_LT(n, 2000u);
  }
}

TEST(Crash, AKillAtAnyOperationLosesNothingThatWasReceived) {
  bool all = false;
  for (std::uint64_t n = 1; !all; ++n) {
    SCOPED_TRACE(n);
    World world{test_seed(n)};
    os::sim::Host& host = world.add_host("a");
    Model model;
    Plan plan{.seed = test_seed(7), .steps = 60, .close_at_end = true};
    live_and_die(world, host, model, plan, n, End::kill, Tear::any);
    all = model.closed;
    live_and_die(world, host, model, plan, 1 + n % 50, End::kill, Tear::any);
    live_and_die(world, host, model, plan, 0, End::power, Tear::lose_all);
    live_and_die(world, host, model, plan, 0, End::power, Tear::lose_all);
    ASSERT_EQ(model.wrong, "") << "seed " << world.seed();
    ASSERT_LT(n, 4000u);
  }
}

TEST(Crash, RandomHistoriesOverManyLivesKeepThePromises) {
  bool holds = rc::check("every life finds what was promised", [] {
    auto seed = *rc::gen::arbitrary<std::uint64_t>();
    World world{seed};
    os::sim::Host& host = world.add_host("a");
    Model model;
    Rng rng(seed ^ 1);
    for (int life = 0; life < 8; ++life) {
      Plan plan{
          .seed = rng.next(), .steps = static_cast<int>(rng.below(80)), .close_at_end = rng.chance(300)};
      std::uint64_t n = rng.chance(700) ? 1 + rng.below(200) : 0;
      live_and_die(world, host, model, plan, n, rng.chance(300) ? End::kill : End::power, Tear::any);
      RC_ASSERT(model.wrong == "");
    }
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace lockstep::journal
