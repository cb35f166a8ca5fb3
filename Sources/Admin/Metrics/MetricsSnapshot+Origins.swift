import Proxy

extension MetricsSnapshot {
  /// What the servers of both sites are and did.
  func writeOrigins(into page: inout PrometheusText) {
    page.family("relevo_origin_info", .gauge, "Always 1; the labels say which server an origin is.")
    for origin in origins {
      page.sample(
        "relevo_origin_info",
        [
          "origin": origin.id, "site": origin.site.rawValue, "authority": origin.authority,
          "address": origin.address,
        ], 1)
    }
    page.family("relevo_origin_state", .gauge, "1 for the state that the server is in, 0 for the others.")
    for origin in origins {
      for condition in OriginCondition.allCases {
        page.sample(
          "relevo_origin_state",
          ["origin": origin.id, "site": origin.site.rawValue, "state": condition.rawValue],
          origin.condition == condition ? 1 : 0)
      }
    }
    each("relevo_origin_requests_in_flight", .gauge, "Requests under way with the server.", &page, \.inFlight)
    page.family(
      "relevo_queued_requests", .gauge, "Requests that wait for a place at one of the site's servers.")
    for site in sites {
      page.sample("relevo_queued_requests", ["site": site.site.rawValue], site.queued)
    }
    each("relevo_origin_requests_total", .counter, "Requests handed to the server.", &page, \.requests)
    each(
      "relevo_origin_failures_total", .counter,
      "Requests that the server failed: no connection, a broken one, no answer in time, a malformed one.",
      &page,
      \.failures)
    page.family(
      "relevo_origin_response_duration_seconds", .histogram,
      "From asking the server, a new connection included, to the head of its answer.")
    for origin in origins {
      page.histogram(
        "relevo_origin_response_duration_seconds", Self.labels(of: origin), proxy.latency(ofOrigin: origin.id)
      )
    }
    page.family(
      "relevo_origin_connections_opened_total", .counter, "Connections opened to servers of the site.")
    page.sample("relevo_origin_connections_opened_total", ["site": "new"], proxy[.newConnectionsOpened])
    page.sample("relevo_origin_connections_opened_total", ["site": "old"], proxy[.oldConnectionsOpened])
    page.family(
      "relevo_origin_connections_reused_total", .counter,
      "Requests sent to the site on a connection that had been kept.")
    page.sample("relevo_origin_connections_reused_total", ["site": "new"], proxy[.newConnectionsReused])
    page.sample("relevo_origin_connections_reused_total", ["site": "old"], proxy[.oldConnectionsReused])
  }

  /// A family with a sample for each server.
  private func each(
    _ name: String, _ kind: PrometheusText.Kind, _ help: String, _ page: inout PrometheusText,
    _ value: (OriginStatus) -> some BinaryInteger
  ) {
    page.family(name, kind, help)
    for origin in origins { page.sample(name, Self.labels(of: origin), value(origin)) }
  }

  private static func labels(of origin: OriginStatus) -> PrometheusText.Labels {
    ["origin": origin.id, "site": origin.site.rawValue]
  }
}
