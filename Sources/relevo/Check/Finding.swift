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

/// A text as a shell takes it for one word.
func shellQuoted(_ text: String) -> String {
  "'" + text.replacing("'", with: "'\\''") + "'"
}
