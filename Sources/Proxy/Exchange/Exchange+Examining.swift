import EventLoop
import HTTP1

/// An answer of the old server that is kept from the client until its body has been looked into for a soft 404.
struct Examination {
  /// The least of a body that is kept, as it came, when little of it is content: a flood of tiny chunks.
  static let rawLimitBytes = 4 * SoftMissSearch.limitBytes

  let answer: HeldAnswer
  var search: SoftMissSearch
}

extension Exchange {
  // MARK: What has to be examined

  /// Whether an answer of the old server may be a soft 404 by its body; nil when that is to be seen by looking into it.
  func softMissByBody(_ answer: ResponseHead, _ origin: OriginConnection) -> SoftMiss? {
    guard step.asksOld, !settings.softMissTexts.isEmpty else { return .no }
    guard answer.status == 200 || answer.status == 206 || answer.status == 304 else { return .no }
    let bytes = unsafe UnsafeRawBufferPointer(origin.input.readable).bytes
    guard ContentKind.isText(worker.answerFields, bytes) else { return .no }
    // A part of a page, a head alone and a coded body don't show the text; nor is an answer examined that comes
    // while the request is still on its way.
    guard answer.status == 200, !asksByHead, body.isSent else { return .possible }
    guard !ContentKind.isCoded(worker.answerFields, bytes) else {
      report(.oldCompresses, at: origin.server, "")
      return .possible
    }
    return nil
  }

  // MARK: Examining

  /// Keeps an answer of the old server until it is known whether it is a soft 404.
  func examine(_ answer: ResponseHead, _ origin: OriginConnection) {
    let kept = keep(answer, from: origin)
    examination = Examination(
      answer: kept, search: SoftMissSearch(texts: settings.softMissTexts, framing: answer.framing))
    // Not put off by what comes: an answer that trickles is not kept for longer.
    origin.setDeadline(afterMs: SoftMissSearch.patienceMs)
    let hasBody = !origin.input.isEmpty || kept.scanner.isFinished
    if !hasBody || examineReceived(origin) { examineMore(origin) }
  }

  /// Reads on into the examined answer until the verdict stands.
  func examineMore(_ origin: OriginConnection) {
    while examination != nil, asked === origin, origin.isReadable {
      switch origin.receive(into: &origin.input) {
      case .bytes:
        guard examineReceived(origin) else { return }
      case .wouldBlock:
        origin.input.giveBackIfEmpty()
        return
      case .end where examination?.answer.head.framing == .untilClose:
        return endExamination(.no, isWhole: true)
      case .end:
        return originFailed(origin, .died(errno: 0))
      case .failed(let code):
        return originFailed(origin, .died(errno: code))
      }
    }
  }

  /// Looks at what was received; false when the verdict stands.
  private func examineReceived(_ origin: OriginConnection) -> Bool {
    guard let answer = examination?.answer else { return false }
    let isMiss = unsafe examination?.search.finds(in: UnsafeRawBufferPointer(origin.input.readable)) == true
    let state = answer.take(from: &origin.input)
    if case .malformed(let cause) = state {
      originFailed(origin, .malformed(cause))
      return false
    }
    let isWhole = state == .finished
    if isMiss {
      endExamination(.certain, isWhole: isWhole)
    } else if isWhole || examination?.search.isFull == true {
      endExamination(.no, isWhole: isWhole)
    } else if answer.bodyCount >= Examination.rawLimitBytes {
      endExamination(.possible, isWhole: false)
    } else {
      origin.input.compact()
      origin.input.giveBackIfEmpty()
      return true
    }
    return false
  }

  /// What is known now decides.
  func endExamination(_ softMiss: SoftMiss, isWhole: Bool) {
    guard let answer = examination?.answer, let origin = asked else { return }
    examination = nil
    asked = nil
    if !isWhole {
      answer.origin = origin
      origin.clearDeadline()
    } else if answer.keepsConnection, origin.input.isEmpty {
      origin.release()
    } else {
      origin.close()
    }
    decide(AnswerAtHand(head: answer.head, origin: origin, examined: answer), softMiss)
  }
}

/// What the fields of an answer tell of its body.
enum ContentKind {
  /// Text, as a browser shows it: HTML, XML and JSON, and what has no type at all. No stream of events, which
  /// trickles by design.
  static func isText(_ fields: borrowing FieldTable, _ bytes: RawSpan) -> Bool {
    guard let type = fields.first(.contentType) else { return true }
    let value = bytes.extracting(type.value.range)
    var end = 0
    while end < value.byteCount, !isEndOfType(value.byte(at: end)) { end += 1 }
    let name = value.extracting(0..<end)
    if name.byteCount == 0 { return true }
    if name.equalsIgnoringCase("text/event-stream") { return false }
    return name.beginsIgnoringCase(with: "text/") || name.endsIgnoringCase(with: "xml")
      || name.endsIgnoringCase(with: "json")
  }

  /// The body is compressed, or coded otherwise.
  static func isCoded(_ fields: borrowing FieldTable, _ bytes: RawSpan) -> Bool {
    for index in 0..<fields.count {
      let field = fields[index]
      guard bytes.extracting(field.name.range).equalsIgnoringCase("content-encoding") else { continue }
      if !bytes.extracting(field.value.range).equalsIgnoringCase("identity") { return true }
    }
    return false
  }

  private static func isEndOfType(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ";") || byte == 0x20 || byte == 0x09
  }
}
