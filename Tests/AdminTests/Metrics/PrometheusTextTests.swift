import Testing

@testable import Admin
@testable import Proxy

@Suite("the text format of Prometheus")
struct PrometheusTextTests {
  @Test("a family has its help, its type and its samples")
  func family() {
    var page = PrometheusText()
    page.counter("a_total", "What a is.", UInt64.max)
    page.family("b", .gauge, "What b is.")
    page.sample("b", ["x": "1", "y": "2"], -3)
    page.sample("b", ["x": "2"], us: 1_500_000)
    #expect(
      page.text == """
        # HELP a_total What a is.
        # TYPE a_total counter
        a_total 18446744073709551615
        # HELP b What b is.
        # TYPE b gauge
        b{x="1",y="2"} -3
        b{x="2"} 1.5

        """)
  }

  @Test("what a label holds can't end it, nor the line")
  func escapes() {
    var page = PrometheusText()
    page.family("a", .gauge, "x \\ \"y\"\nz")
    page.sample("a", ["b": "\\ \"y\"\nz é\r"], 1)
    #expect(
      page.text
        == "# HELP a x \\\\ \"y\"\\nz\n# TYPE a gauge\na{b=\"\\\\ \\\"y\\\"\\nz é\r\"} 1\n")
  }

  @Test(
    "seconds are decimal numbers",
    arguments: [
      (0, "0"), (1, "0.000001"), (500, "0.0005"), (250_000, "0.25"), (1_000_000, "1"), (60_000_000, "60"),
      (1_772_368_496_120_000, "1772368496.12"), (UInt64.max, "18446744073709.551615"),
    ] as [(UInt64, String)])
  func seconds(us: UInt64, text: String) {
    #expect(PrometheusText.seconds(ofUs: us) == text)
  }

  @Test("a histogram's buckets are cumulative, the last one is the count")
  func histogram() {
    var latencies = LatencyHistogram()
    for us in [200, 700, 900, 30_000, 90_000_000] as [UInt64] { latencies.add(us) }
    var page = PrometheusText()
    page.histogram("h_seconds", ["r": "new"], latencies)
    #expect(
      page.text == """
        h_seconds_bucket{r="new",le="0.0005"} 1
        h_seconds_bucket{r="new",le="0.001"} 3
        h_seconds_bucket{r="new",le="0.0025"} 3
        h_seconds_bucket{r="new",le="0.005"} 3
        h_seconds_bucket{r="new",le="0.01"} 3
        h_seconds_bucket{r="new",le="0.025"} 3
        h_seconds_bucket{r="new",le="0.05"} 4
        h_seconds_bucket{r="new",le="0.1"} 4
        h_seconds_bucket{r="new",le="0.25"} 4
        h_seconds_bucket{r="new",le="0.5"} 4
        h_seconds_bucket{r="new",le="1"} 4
        h_seconds_bucket{r="new",le="2.5"} 4
        h_seconds_bucket{r="new",le="5"} 4
        h_seconds_bucket{r="new",le="10"} 4
        h_seconds_bucket{r="new",le="30"} 4
        h_seconds_bucket{r="new",le="60"} 4
        h_seconds_bucket{r="new",le="+Inf"} 5
        h_seconds_sum{r="new"} 90.0318
        h_seconds_count{r="new"} 5

        """)
  }
}
