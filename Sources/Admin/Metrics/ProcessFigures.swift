import EventLoop
import Glibc

/// What the system tells of this process; the metrics have Prometheus' usual names.
struct ProcessFigures: Sendable, Equatable {
  /// Processor time of all threads, in user space and in the kernel.
  var cpuUs: UInt64
  var residentBytes: UInt64
  var virtualBytes: UInt64
  /// File descriptors in use.
  var openFiles: Int
  /// File descriptors that may be in use; nil without a limit.
  var maxFiles: UInt64?
  var threads: Int
  /// When the process began, in hundredths of a second since 1970.
  var startedCentiseconds: UInt64

  /// Asks the system; nil when `/proc` does not tell. Takes some ten microseconds.
  static func current() -> ProcessFigures? {
    guard let stat = SystemFiles.contents(of: "/proc/self/stat"),
      let system = SystemFiles.contents(of: "/proc/stat"),
      let fields = StatFields(stat), let bootSeconds = bootTime(in: system),
      let openFiles = SystemFiles.countEntries(of: "/proc/self/fd")
    else { return nil }
    let ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    let pageBytes = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
    return ProcessFigures(
      cpuUs: processorTimeUs(), residentBytes: fields.residentPages &* pageBytes,
      virtualBytes: fields.virtualBytes, openFiles: openFiles, maxFiles: fileLimit(), threads: fields.threads,
      startedCentiseconds: bootSeconds &* 100 &+ fields.startTicks &* 100 / ticksPerSecond)
  }

  /// The fields of `/proc/self/stat` (proc(5)) that are of use.
  struct StatFields {
    var threads: Int
    var startTicks: UInt64
    var virtualBytes: UInt64
    var residentPages: UInt64

    init?(_ line: String) {
      // The second field, the program's name in parentheses, may hold blanks and parentheses itself.
      guard let end = line.lastIndex(of: ")") else { return nil }
      let fields = line[line.index(after: end)...].split { $0 == " " || $0 == "\n" }
      // The first of them is field 3 of the manual's.
      guard fields.count > 21, let threads = Int(fields[17]), let startTicks = UInt64(fields[19]),
        let virtualBytes = UInt64(fields[20]), let residentPages = UInt64(fields[21])
      else { return nil }
      self.threads = threads
      self.startTicks = startTicks
      self.virtualBytes = virtualBytes
      self.residentPages = residentPages
    }
  }

  private static func bootTime(in stat: String) -> UInt64? {
    guard let line = stat.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }) else { return nil }
    return UInt64(line.dropFirst(6))
  }

  private static func processorTimeUs() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(clamping: time.tv_sec) &* 1_000_000 &+ UInt64(clamping: time.tv_nsec) / 1000
  }

  private static func fileLimit() -> UInt64? {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
    return limit.rlim_cur == rlim_t.max ? nil : UInt64(limit.rlim_cur)
  }
}

extension ProcessFigures {
  func write(into page: inout PrometheusText) {
    page.family(
      "process_cpu_seconds_total", .counter, "Processor time used, in user space and in the kernel.")
    page.sample("process_cpu_seconds_total", us: cpuUs)
    page.family("process_resident_memory_bytes", .gauge, "Resident memory.")
    page.sample("process_resident_memory_bytes", residentBytes)
    page.family("process_virtual_memory_bytes", .gauge, "Virtual memory.")
    page.sample("process_virtual_memory_bytes", virtualBytes)
    page.gauge("process_open_fds", "Open file descriptors.", openFiles)
    if let maxFiles {
      page.family("process_max_fds", .gauge, "The most file descriptors that may be open.")
      page.sample("process_max_fds", maxFiles)
    }
    page.gauge("process_threads", "Threads.", threads)
    page.family("process_start_time_seconds", .gauge, "When the process began, since 1970.")
    page.sample("process_start_time_seconds", us: startedCentiseconds &* 10_000)
  }
}
