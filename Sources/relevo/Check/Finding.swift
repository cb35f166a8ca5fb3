/// One thing that `relevo check` has to say.
struct Finding: Sendable, Equatable, Encodable {
  /// How bad it is.
  enum Mark: String, Sendable, Encodable {
    case ok
    /// Some visitors get something else than they should.
    case warning
    /// Relevo cannot do its work like this.
    case problem
  }

  var mark: Mark
  /// What it is about: a server, or a site.
  var subject: String
  /// What is so, in a sentence without its full stop; it reads on after the subject.
  var sentence: String
  /// What would help; nil where nothing is needed.
  var remedy: String?

  static func ok(_ subject: String, _ sentence: String) -> Finding {
    Finding(mark: .ok, subject: subject, sentence: sentence, remedy: nil)
  }

  static func warning(_ subject: String, _ sentence: String, remedy: String) -> Finding {
    Finding(mark: .warning, subject: subject, sentence: sentence, remedy: remedy)
  }

  static func problem(_ subject: String, _ sentence: String, remedy: String) -> Finding {
    Finding(mark: .problem, subject: subject, sentence: sentence, remedy: remedy)
  }
}

extension String {
  /// What is part of a sentence elsewhere, as one of its own.
  var asSentence: String { "\(prefix(1).uppercased())\(dropFirst())." }
}

/// A text as a shell takes it for one word, so that a remedy can be pasted whatever a server has put into it.
func shellWord(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._/:%+,=@".utf8.contains(byte)
    }
  }
  if isPlain, !text.isEmpty { return text }
  return "'" + text.replacing("'", with: "'\\''") + "'"
}
