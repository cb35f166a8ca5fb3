import MapFormats
import Testing

@testable import relevo

@Suite("figures for a reader")
struct FiguresTests {
  @Test(
    "a time is ISO 8601 in UTC",
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"),
      (951_782_400, "2000-02-29T00:00:00Z"), (951_868_800, "2000-03-01T00:00:00Z"),
      (1_763_912_535, "2025-11-23T15:42:15Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
      (4_107_456_000, "2100-02-28T00:00:00Z"), (.max, "2106-02-07T06:28:15Z"),
    ] as [(UInt32, String)])
  func timestamps(seconds: UInt32, text: String) {
    #expect(Timestamp(seconds).description == text)
    #expect(Timestamp(seconds).date == String(text.prefix(10)))
  }

  @Test(
    "counts have commas", arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")])
  func counts(number: Int, text: String) {
    #expect(Figures.count(number) == text)
  }

  @Test("a noun follows its count")
  func nouns() {
    #expect(Figures.count(1, "URL") == "1 URL")
    #expect(Figures.count(0, "URL") == "0 URLs")
  }

  @Test(
    "bytes have three digits and a unit",
    arguments: [
      (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (99_951, "100 kB"),
      (999_600, "1.0 MB"), (640_000_000, "640 MB"), (12_000_000_000, "12.0 GB"),
      (.max, "9223372037 GB"),
    ])
  func bytes(number: Int, text: String) {
    #expect(Figures.bytes(number) == text)
  }

  @Test(
    "only nothing is 0 % and only all is 100 %",
    arguments: [
      (0, 10, "0 %"), (0, 0, "0 %"), (1, 100_000, "<0.1 %"), (34, 1000, "3.4 %"), (430, 1000, "43 %"),
      (99_999, 100_000, "99 %"), (5, 5, "100 %"),
    ])
  func shares(part: Int, all: Int, text: String) {
    #expect(Figures.share(part, of: all) == text)
  }

  @Test(
    "an age is in its largest unit that says enough",
    arguments: [
      (-5, "moments"), (59, "59 seconds"), (120, "2 minutes"), (7200, "2 hours"), (172_800, "2 days"),
    ])
  func ages(seconds: Int, text: String) {
    #expect(Figures.age(seconds: seconds) == text)
  }
}
