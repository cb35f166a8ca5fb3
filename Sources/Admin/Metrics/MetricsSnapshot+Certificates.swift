extension MetricsSnapshot {
  /// When the certificates that are shown to clients and to origins end.
  func writeCertificates(into page: inout PrometheusText) {
    if certificates.isEmpty { return }
    page.family(
      "relevo_tls_certificate_expiry_timestamp_seconds", .gauge,
      "When the certificate ends that clients or origins are shown from this file.")
    var told: Set<String> = []
    // A file may be given twice, a series not.
    for certificate in certificates where told.insert(certificate.path).inserted {
      page.sample(
        "relevo_tls_certificate_expiry_timestamp_seconds",
        ["name": certificate.names.first ?? "", "file": certificate.path], certificate.notAfter)
    }
  }
}
