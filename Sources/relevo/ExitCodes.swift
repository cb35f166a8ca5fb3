import Glibc

/// How the process ends, in the numbers of sysexits.h.
enum ExitStatus: Int32 {
  /// A flag or a variable is wrong.
  case usage = 64
  /// A file's content is broken.
  case badData = 65
  /// A file that is to be read is not there.
  case noInput = 66
  /// An address is in use, or an origin does not resolve.
  case unavailable = 69
  /// Reading or writing failed.
  case inputOutput = 74
  /// Another Relevo owns the map file, or can't hand over now: at the next try it may be otherwise.
  case temporary = 75
  /// The map file, the access log, a file of settings or a socket that systemd hands over cannot be used.
  case configuration = 78
}

/// Why the command does not run: one line for the operator and the exit code.
struct CommandFailure: Error, CustomStringConvertible {
  /// One line, without the program's name: what is wrong, and what would be right.
  let description: String
  let code: Int32

  init(_ sentence: String, code: ExitStatus) {
    self.init(sentence, code: code.rawValue)
  }

  init(_ sentence: String, code: Int32) {
    description = Self.oneLine(sentence)
    self.code = code
  }

  /// What standard error receives.
  var line: String { "relevo: \(description)\n" }

  func exit() -> Never {
    let start = SystemJournal.readsErrors(ProcessEnvironment.variables) ? SystemJournal.prefix(.error) : ""
    StandardStream.error.write(start + line)
    Glibc.exit(code)
  }

  /// Values come from outside and may hold line ends and terminal controls.
  private static func oneLine(_ sentence: String) -> String {
    let printable = sentence.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .lineSeparator
        ? " " : Character(scalar)
    }
    var line = String(printable)
    // "The value …" reads on after "relevo: "; a flag or a name in capitals stays as it is.
    if let first = line.first, let second = line.dropFirst().first, first.isUppercase, second.isLowercase {
      line = first.lowercased() + line.dropFirst()
    }
    while line.last == "." || line.last == " " { line.removeLast() }
    return line
  }
}
