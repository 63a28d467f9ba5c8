#include "manage/metrics.h"

#include <chrono>
#include <cmath>
#include <cstdio>

namespace lockstep::manage {

namespace {

std::string number(double value) {
  char text[40];
  if (value == std::floor(value) && std::fabs(value) < 1e15) std::snprintf(text, sizeof text, "%.0f", value);
  else std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void escape_into(std::string& out, std::string_view value) {
  for (char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') out.append("\\n");
    else out.push_back(c);
  }
}

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
double of(Bytes b) { return static_cast<double>(b.value); }

void pools(MetricsText& out, const MetricsFacts& facts) {
  for (const PoolInfo& info : facts.pools) {
    MetricsText::Labels labels = {{"pool", info.status.name}};
    out.gauge("lockstep_pool_up", "1 when the pool is open and takes writes.", labels, !info.error && !info.status.damage && !info.status.stopped);
    if (info.error) continue;
    out.gauge("lockstep_pool_size_bytes", "Space that data may take.", labels, of(info.status.space.total));
    out.gauge("lockstep_pool_used_bytes", "Space that data take.", labels, of(info.status.space.used));
    out.gauge("lockstep_pool_reserved_bytes", "Space kept back: admitted writes and the reserve for checkpoints and deletions.", labels, of(info.status.space.reserved));
    out.gauge("lockstep_pool_nearly_full", "1 while snapshots, clones and points in time are refused for want of space.", labels, nearly_full(info.status.space));
    out.gauge("lockstep_pool_overlay_bytes", "Written data in memory that wait for a checkpoint.", labels, of(info.status.overlay_used));
    out.gauge("lockstep_pool_journal_bytes", "Size of the journal.", labels, of(info.status.journal_bytes));
    out.counter("lockstep_pool_records_total", "Journal records since the pool was made.", labels, static_cast<double>(info.status.appended.value));
    out.gauge("lockstep_pool_volumes", "Volumes of the pool.", labels, static_cast<double>(info.volumes));
    out.gauge("lockstep_pool_groups", "Groups of the pool.", labels, static_cast<double>(info.groups));
  }
}

void relationships(MetricsText& out, const MetricsFacts& facts) {
  for (const replica::Report& report : facts.relationships) {
    const replica::Relationship& r = report.relationship;
    MetricsText::Labels labels = {{"relationship", r.name}, {"role", r.end == replica::End::source ? "source" : "target"}};
    out.gauge("lockstep_relationship_lag_seconds", "Age of the oldest write that the target lacks; 0 when it lacks none.", labels, seconds(report.lag));
    out.gauge("lockstep_relationship_rpo_seconds", "Recovery point objective.", labels, r.settings.rpo_seconds);
    out.gauge("lockstep_relationship_rpo_violated", "1 while the lag is beyond the objective.", labels, report.rpo_violated);
    out.gauge("lockstep_relationship_pacing", "1 while hosts are slowed so that the objective is kept.", labels, report.pacing);
    out.gauge("lockstep_relationship_backlog_bytes", "What the target lacks.", labels, of(report.backlog));
    out.gauge("lockstep_relationship_reachable", "1 while the other system answers.", labels, report.reachable);
    out.gauge("lockstep_relationship_copy_state", "CopyState, by the number of the SM model (4: Synchronized, 5: Broken).", labels, static_cast<double>(report.copy_state));
    out.gauge("lockstep_relationship_synchronized_ratio", "How much of the present copy is done.", labels, report.percent_synced / 100);
    out.counter("lockstep_relationship_sent_bytes_total", "Payload sent to the other system since the start.", labels, of(report.sent_total));
    out.counter("lockstep_relationship_received_bytes_total", "Payload received from the other system since the start.", labels, of(report.received_total));
  }
}

}  // namespace

void MetricsText::add(std::string_view name, std::string_view help, std::string_view type, const Labels& labels, double value) {
  Family* family = nullptr;
  for (Family& candidate : families_)
    if (candidate.name == name) family = &candidate;
  if (!family) family = &families_.emplace_back(std::string(name), std::string(help), std::string(type), "");
  family->samples.append(name);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    family->samples.append(i == 0 ? "{" : ",").append(labels[i].first).append("=\"");
    escape_into(family->samples, labels[i].second);
    family->samples.append("\"");
  }
  if (!labels.empty()) family->samples.append("}");
  family->samples.append(" ").append(number(value)).append("\n");
}

std::string MetricsText::text() const {
  std::string out;
  for (const Family& family : families_) {
    out.append("# HELP ").append(family.name).append(" ").append(family.help).append("\n");
    out.append("# TYPE ").append(family.name).append(" ").append(family.type).append("\n");
    out.append(family.samples);
  }
  return out;
}

std::string metrics_text(const MetricsFacts& facts) {
  MetricsText out;
  out.gauge("lockstep_uptime_seconds", "Time since the system started.", {}, facts.uptime_seconds);
  pools(out, facts);
  out.gauge("lockstep_volumes", "Volumes of all pools.", {}, static_cast<double>(facts.volumes.size()));
  out.gauge("lockstep_groups", "Groups of all pools.", {}, static_cast<double>(facts.groups.size()));
  relationships(out, facts);
  for (const replica::PeerReport& peer : facts.peers) out.gauge("lockstep_peer_reachable", "1 while the peer answers.", {{"peer", peer.peer.name}}, peer.reachable);
  double running = 0;
  for (const Job& job : facts.jobs) running += ended(job.state) ? 0 : 1;
  out.gauge("lockstep_jobs_running", "Jobs that have not ended.", {}, running);
  out.counter("lockstep_events_total", "Events since the system was made.", {}, static_cast<double>(facts.last_event));
  for (const LoopDelay& delay : facts.delays) {
    out.gauge("lockstep_loop_delay_seconds", "How long the last probe waited for its turn on the loop.", {{"loop", delay.loop}}, delay.last_seconds);
    out.gauge("lockstep_loop_delay_worst_seconds", "The longest such wait since the start.", {{"loop", delay.loop}}, delay.worst_seconds);
    out.counter("lockstep_loop_stalls_total", "Probes that waited longer than 10 ms.", {{"loop", delay.loop}}, static_cast<double>(delay.stalls));
  }
  return out.text();
}

}  // namespace lockstep::manage
