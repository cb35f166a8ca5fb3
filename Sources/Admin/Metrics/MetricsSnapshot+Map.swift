import EventLoop
import Proxy
import URLMap

extension MetricsSnapshot {
  /// What is known of the old site.
  func writeMap(into page: inout PrometheusText) {
    page.gauge("relevo_map_urls", "URLs known to live on the old server.", map.urls)
    page.gauge("relevo_map_urls_limit", "The most URLs that are kept (--map-max-urls).", mapLimit)
    page.gauge("relevo_map_memory_bytes", "Memory that the known URLs have ever taken.", map.arenaBytes)
    page.gauge(
      "relevo_map_memory_used_bytes", "The part of that memory that is in use now.", map.arenaBytesInUse)
    page.counter("relevo_map_hits_total", "Look-ups that found their URL.", map.hits)
    page.counter("relevo_map_learned_total", "URLs that became known.", map.learned)
    page.counter("relevo_map_renewed_total", "URLs learned again while they were known.", map.renewed)
    page.counter("relevo_map_forgotten_total", "URLs that are not known any more.", map.forgotten)
    counter(
      .migrated, "relevo_map_migrated_total", "URLs forgotten since the new site has the page now.", &page)
    page.counter(
      "relevo_map_evicted_total", "URLs that went since the map was full, the coldest first.", map.evicted)
    page.family(
      "relevo_map_changes_dropped_total", .counter, "Changes of the map that found no room, by what was full."
    )
    page.sample("relevo_map_changes_dropped_total", ["full": "queue"], map.droppedByFullQueue)
    page.sample("relevo_map_changes_dropped_total", ["full": "memory"], map.droppedByFullMemory)
    page.counter(
      "relevo_map_keys_refused_total", "Keys that were too long or held bytes that no URL has.",
      map.refusedKeys)
  }
}

extension MapKeeper.Statistics {
  /// How the map's files are.
  func write(into page: inout PrometheusText) {
    page.gauge("relevo_map_loaded", "1 once the map file has been loaded.", state == .loaded ? 1 : 0)
    page.counter("relevo_map_snapshots_total", "Snapshots of the map written.", snapshots)
    page.counter(
      "relevo_map_snapshot_failures_total", "Snapshots that could not be written.", snapshotFailures)
    // 0 before the first: a series that comes into being with an event can't be asked about before.
    page.gauge(
      "relevo_map_snapshot_timestamp_seconds",
      "When the last snapshot was in its place, since 1970; 0 before the first.",
      Int(lastSnapshot?.at ?? 0))
    page.family(
      "relevo_map_snapshot_duration_seconds", .gauge,
      "How long the last snapshot took to write; 0 before the first.")
    page.sample(
      "relevo_map_snapshot_duration_seconds", us: (lastSnapshot?.took.wholeMilliseconds ?? 0) &* 1000)
    page.gauge(
      "relevo_map_snapshot_urls", "URLs in the last snapshot; 0 before the first.", lastSnapshot?.urls ?? 0)
    page.counter("relevo_map_journal_changes_total", "Changes written to the journal.", journalled)
    page.counter(
      "relevo_map_journal_failures_total", "Times that the journal could not be written.", journalFailures)
    page.counter(
      "relevo_map_journal_lost_changes_total",
      "Changes that the journal does not have: a kill before the next snapshot would forget them.",
      journalLost)
  }
}
