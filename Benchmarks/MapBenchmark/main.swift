import Glibc

// What the URL map costs, alone: memory, look-ups, learning, snapshot and load. Prints a line for each figure; all but
// the look-ups are CPU time. `Benchmarks/map` puts them into a table.
//
//   MapBenchmark COUNT [FILE]     COUNT synthetic URLs, or the first COUNT lines of FILE
//   MapBenchmark beside COUNT     look-ups, learning and snapshots all at once

var arguments = CommandLine.arguments.dropFirst()
let isBeside = arguments.first == "beside"
if isBeside { arguments.removeFirst() }
guard let count = arguments.popFirst().flatMap({ Int($0) }), count > 0 else {
  print("usage: MapBenchmark [beside] COUNT [FILE-OF-URLS]")
  exit(64)
}
let urls = arguments.popFirst().map { URLSet(file: $0, atMost: count) } ?? URLSet(synthetic: count)
guard urls.count > 0 else {
  print("no URLs")
  exit(66)
}
if isBeside { try besideEachOther(urls, seconds: 5) } else { try alone(urls) }
