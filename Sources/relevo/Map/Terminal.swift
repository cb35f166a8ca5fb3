import Glibc

extension StandardStream {
  /// Whether somebody looks at it, and not a program.
  var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// The terminal that the command was started from.
enum Terminal {
  /// Whether somebody can answer a question.
  static var canAnswer: Bool { isatty(STDIN_FILENO) == 1 }

  /// The characters of a line of standard error's or standard output's terminal; 80 where that cannot be known.
  static var columns: Int {
    for stream in [StandardStream.error, .output] {
      var size = winsize()
      if unsafe ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
        return Int(size.ws_col)
      }
    }
    return 80
  }

  /// Whether the locale's characters are UTF-8, by the variables that decide it, the first one that is set.
  static func takesUnicode(_ environment: [String: String]) -> Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    let name = locale?.lowercased() ?? ""
    return name.contains("utf-8") || name.contains("utf8")
  }
}
