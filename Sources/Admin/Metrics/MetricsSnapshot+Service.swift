extension MetricsSnapshot {
  /// What the process as a whole is and does.
  func writeService(into page: inout PrometheusText) {
    page.family("relevo_build_info", .gauge, "Always 1; the label says which version of Relevo this is.")
    page.sample("relevo_build_info", ["version": version], 1)
    page.gauge(
      "relevo_ready", "1 while requests can be served as they should be, as /readyz says.", isReady ? 1 : 0)
    page.gauge(
      "relevo_draining", "1 while no connections are accepted and what is under way is finished.",
      isDraining ? 1 : 0)
    page.gauge(
      "relevo_config_last_reload_successful",
      "1 when the settings were taken the last time that they were to be read again, and at the start.",
      lastReload.wasSuccessful ? 1 : 0)
    page.gauge(
      "relevo_config_last_reload_success_timestamp_seconds", "When the settings in force were read.",
      lastReload.successAt)
    page.gauge("relevo_workers", "Event loops, one thread each.", proxy.loops.count)
    page.family(
      "relevo_loop_lag_seconds", .histogram,
      "How long what is ready waits for the worker's event loop, asked ten times a second.")
    for (worker, loop) in proxy.loops.enumerated() {
      page.histogram("relevo_loop_lag_seconds", ["worker": "\(worker)"], loop.lag)
    }
    page.family(
      "relevo_loop_last_turn_age_seconds", .gauge,
      "How long ago the worker's event loop came round for the last time; more than a second says that it stands still."
    )
    for (worker, loop) in proxy.loops.enumerated() {
      guard let us = loop.sinceLastTurnUs else { continue }
      page.sample("relevo_loop_last_turn_age_seconds", ["worker": "\(worker)"], us: us)
    }
    page.counter(
      "relevo_access_log_dropped_lines_total",
      "Access log lines that were dropped since the disk was too slow, full or gone.",
      proxy.logDroppedLines)
    page.family(
      "relevo_admin_refused_total", .counter,
      "Requests and connections that the admin plane refused, by the reason.")
    for reason in RefusalReason.allCases {
      page.sample("relevo_admin_refused_total", ["reason": reason.rawValue], adminRefusals[reason] ?? 0)
    }
  }
}
