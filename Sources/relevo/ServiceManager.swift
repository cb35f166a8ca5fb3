import Glibc

/// What has started the process and wants to be told how it is: systemd with `Type=notify`, or who does as it does
/// (sd_notify(3)).
///
/// A message is one datagram to the unix socket that `NOTIFY_SOCKET` names. One that can't be sent is dropped: nobody here
/// waits for the service manager.
struct ServiceManager {
  enum Message {
    case ready
    /// This process serves in the place of the one that was started first.
    case tookOver(processID: Int32)
    case stopping
    /// The watchdog need not act.
    case alive

    fileprivate var text: String {
      switch self {
      case .ready: "READY=1\nSTATUS=serving\n"
      case .tookOver(let processID): "MAINPID=\(processID)\nREADY=1\nSTATUS=serving\n"
      case .stopping: "STOPPING=1\nSTATUS=finishing what is under way\n"
      case .alive: "WATCHDOG=1\n"
      }
    }
  }

  /// A path, or behind `@` a name of the abstract namespace; nil when nobody wants to know.
  private let address: String?
  /// How often it wants to hear that the process is alive, at least; nil when it does not.
  let watchdogMs: UInt64?

  /// - Parameters:
  ///   - variables: of the environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
  ///   - inheritedWatchdogMs: what the process heard that this one takes over from; systemd tells the first one alone.
  init(
    _ variables: [String: String], processID: Int32 = getpid(), inheritedWatchdogMs: UInt64? = nil
  ) {
    address = variables["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
    let isForUs = variables["WATCHDOG_PID"].map { $0 == "\(processID)" } ?? true
    let limitUs = variables["WATCHDOG_USEC"].flatMap { UInt64($0) }.map { $0 / 1000 }
    let ownMs = isForUs ? limitUs.flatMap { $0 > 0 ? $0 : nil } : nil
    watchdogMs = address == nil ? nil : ownMs ?? inheritedWatchdogMs
  }

  func tell(_ message: Message) {
    guard let address else { return }
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    var name = Array(address.utf8)
    if name.first == UInt8(ascii: "@") { name[0] = 0 }
    guard name.count < MemoryLayout.size(ofValue: target.sun_path) else { return }
    unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: name) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let text = Array(message.text.utf8)
    unsafe withUnsafePointer(to: &target) { target in
      unsafe target.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
        _ = unsafe sendto(
          descriptor, text, text.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), target, size)
      }
    }
  }
}
