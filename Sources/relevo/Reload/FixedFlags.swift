/// The flags that only a start can change: addresses and threads, files that are open, what memory was measured for, and
/// how the keys of the map are made.
enum FixedFlags {
  /// With their hyphens.
  static let names: Set<String> = [
    "--takeover", "--listen", "--tls-listen", "--tls-keylog", "--workers", "--map-file",
    "--map-snapshot-every", "--map-max-urls",
    "--map-key",
    "--ignore-query", "--max-header-bytes", "--max-header-fields", "--access-log", "--log-format",
    "--admin", "--admin-token-file", "--admin-user-file",
  ]

  /// What a running process makes of other settings.
  ///
  /// - Parameters:
  ///   - wanted: all flags with their values, as read again.
  ///   - inForce: the same as it is now.
  /// - Returns: the settings that come into force, and the flags that would need a restart, in the order of the help.
  static func merge(
    _ wanted: [String: String?], into inForce: [String: String?]
  ) -> (settings: [String: String?], needRestart: [String]) {
    var settings = wanted
    for name in names { settings[name] = inForce[name] }
    let needRestart = EnvironmentArguments.flags.map { "--\($0.name)" }.filter {
      names.contains($0) && wanted[$0] != inForce[$0]
    }
    return (settings, needRestart)
  }

  /// The flags whose values differ, in the order of the help.
  static func differing(_ former: [String: String?], _ settings: [String: String?]) -> [String] {
    EnvironmentArguments.flags.map { "--\($0.name)" }.filter { former[$0] != settings[$0] }
  }
}
