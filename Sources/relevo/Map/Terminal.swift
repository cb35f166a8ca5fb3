import Glibc

extension StandardStream {
  /// Whether somebody looks at it, and not a program.
  var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// The terminal that the command was started from.
enum Terminal {
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
}
