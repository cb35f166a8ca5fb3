import Proxy

extension MetricsSnapshot {
  /// What clients asked for and got.
  func writeRequests(into page: inout PrometheusText) {
    page.family(
      "relevo_requests_total", .counter,
      "Requests that have ended, by who answered and the class of the status.")
    for route in Route.allCases {
      for statusClass in StatusClass.allCases {
        page.sample(
          "relevo_requests_total", ["route": route.label, "status": statusClass.label],
          proxy[route, statusClass])
      }
    }
    page.family(
      "relevo_request_duration_seconds", .histogram,
      "From a request's whole head to the last byte of its answer handed to the kernel, by who answered.")
    for route in Route.allCases {
      page.histogram("relevo_request_duration_seconds", ["route": route.label], proxy.latency(of: route))
    }
    page.gauge("relevo_requests_in_flight", "Requests under way.", Int(clamping: proxy.openRequests))
    page.gauge("relevo_client_connections", "Client connections that are open.", proxy.openConnections)
    counter(.connections, "relevo_client_connections_total", "Client connections accepted.", &page)
    page.counter(
      "relevo_client_received_bytes_total", "Bytes received from clients, heads included.",
      proxy.receivedBytes)
    page.counter("relevo_client_sent_bytes_total", "Bytes sent to clients, heads included.", proxy.sentBytes)
    counter(
      .badRequests, "relevo_bad_requests_total", "Messages refused as malformed or as too slow to come.",
      &page)
    counter(
      .proxyHeadersRefused, "relevo_proxy_headers_refused_total",
      "Connections closed since they did not begin with a valid PROXY header where one is wanted.", &page)
    page.family(
      "relevo_tls_handshakes_total", .counter,
      "TLS connections of clients: opened anew, gone on with from an earlier session, or not opened."
    )
    for (result, which) in [
      ("full", ProxyCounter.tlsHandshakes), ("resumed", .tlsResumed), ("failed", .tlsFailures),
    ] {
      page.sample("relevo_tls_handshakes_total", ["result": result], proxy[which])
    }
    counter(
      .http2Connections, "relevo_http2_connections_total", "Client connections that speak HTTP/2.", &page)
    counter(
      .http2Failures, "relevo_http2_failures_total",
      "Of those, the ones that ended since the client had broken a rule or sent frames in floods.", &page)
    counter(
      .clientsGone, "relevo_clients_gone_total", "Clients that left before their answer was complete.", &page)
    counter(
      .brokenAnswers, "relevo_broken_answers_total",
      "Answers that broke off in the middle, the client's connection with them.", &page)
    counter(.retries, "relevo_retries_total", "Requests sent again on another connection.", &page)
    counter(
      .retriesRefused, "relevo_retries_refused_total",
      "Requests not sent again since the retry budget was spent.", &page)
    counter(
      .queued, "relevo_queued_total", "Requests that waited for a server that had as many as its maximum.",
      &page)
    page.family(
      "relevo_queue_refused_total", .counter,
      "Requests that got no server since all had their maximum, by the reason."
    )
    page.sample("relevo_queue_refused_total", ["reason": "full"], proxy[.queueFull])
    page.sample("relevo_queue_refused_total", ["reason": "timeout"], proxy[.queueTimeouts])
    writeFallbacks(into: &page)
  }

  private func writeFallbacks(into page: inout PrometheusText) {
    page.family(
      "relevo_fallbacks_refused_total", .counter,
      "Misses of the new site that the old server did not answer, by the reason.")
    for (reason, counter) in Self.refusals {
      page.sample("relevo_fallbacks_refused_total", ["reason": reason], proxy[counter])
    }
    counter(
      .doubleMisses, "relevo_double_misses_total",
      "Misses of the new site not passed on since both sites had missed the URL a moment ago.", &page)
    counter(
      .softMisses, "relevo_soft_misses_total",
      "Answers of the old server that were misses though their status did not say so.", &page)
  }

  private static let refusals: KeyValuePairs<String, ProxyCounter> = [
    "replay-limit": .fallbacksPastReplayLimit, "old-down": .fallbacksOldDown,
    "old-timeout": .fallbacksOldTimeout, "old-error": .fallbacksOldError,
    "old-busy": .fallbacksOldBusy, "no-descriptor": .fallbacksNoDescriptor,
  ]

  func counter(_ counter: ProxyCounter, _ name: String, _ help: String, _ page: inout PrometheusText) {
    page.counter(name, help, proxy[counter])
  }
}
