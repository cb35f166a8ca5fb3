import Testing

@testable import HTTP1

/// Bytes that are wrong, and what is wrong with them.
struct Wrong: Sendable, CustomTestStringConvertible {
  let bytes: [UInt8]
  let reason: MalformedMessage

  init(_ text: String, _ reason: MalformedMessage) {
    self.init(Array(text.utf8), reason)
  }

  init(_ bytes: [UInt8], _ reason: MalformedMessage) {
    self.bytes = bytes
    self.reason = reason
  }

  var testDescription: String {
    "\(String(decoding: bytes.prefix(80), as: UTF8.self).debugDescription): \(reason)"
  }
}

/// What a parse came to, with the ranges read as text.
enum Outcome<Head: Equatable>: Equatable {
  case incomplete
  case head(Head)
  case malformed(MalformedMessage)

  var head: Head? {
    if case .head(let head) = self { head } else { nil }
  }
}

struct Field: Equatable, CustomStringConvertible {
  var id: FieldName
  var name: String
  var value: String
  var line: String
  var isHopByHop: Bool

  var description: String { "\(id) \(name):\(value)\(isHopByHop ? " (hop)" : "")" }
}

struct Request: Equatable {
  var method: Method
  var methodName: String
  var target: String
  var targetForm: TargetForm
  var pathAndQuery: String
  var path: String
  var authority: String
  var minorVersion: UInt8
  var framing: BodyFraming
  var keepAlive: Bool
  var expectsContinue: Bool
  var wantsUpgrade: Bool
  var byteCount: Int
  var fields: [Field]
}

struct Response: Equatable {
  var status: UInt16
  var reason: String
  var minorVersion: UInt8
  var framing: BodyFraming
  var declaredLength: UInt64?
  var keepAlive: Bool
  var location: String?
  var byteCount: Int
  var fields: [Field]
}

let roomy = HeadLimits(maxBytes: 16384, maxFields: 64)

func parseRequest(_ bytes: [UInt8], limits: HeadLimits = roomy, capacity: Int = 64) -> Outcome<Request> {
  var table = FieldTable(capacity: capacity)
  let span = bytes.span.bytes
  switch RequestHead.parse(span, limits: limits, fields: &table) {
  case .incomplete: return .incomplete
  case .malformed(let reason): return .malformed(reason)
  case .head(let head):
    return .head(
      Request(
        method: head.method, methodName: head.methodName.text(in: span), target: head.target.text(in: span),
        targetForm: head.targetForm, pathAndQuery: head.pathAndQuery.text(in: span),
        path: head.path.text(in: span), authority: head.authority.text(in: span),
        minorVersion: head.minorVersion, framing: head.framing, keepAlive: head.keepAlive,
        expectsContinue: head.expectsContinue, wantsUpgrade: head.wantsUpgrade, byteCount: head.byteCount,
        fields: fields(table, span)))
  }
}

func parseRequest(_ text: String, limits: HeadLimits = roomy) -> Outcome<Request> {
  parseRequest(Array(text.utf8), limits: limits)
}

func parseResponse(
  _ bytes: [UInt8], toHead: Bool = false, limits: HeadLimits = roomy
) -> Outcome<Response> {
  var table = FieldTable(capacity: 64)
  let span = bytes.span.bytes
  switch ResponseHead.parse(span, toHead: toHead, limits: limits, fields: &table) {
  case .incomplete: return .incomplete
  case .malformed(let reason): return .malformed(reason)
  case .head(let head):
    return .head(
      Response(
        status: head.status, reason: head.reason.text(in: span), minorVersion: head.minorVersion,
        framing: head.framing, declaredLength: head.declaredLength, keepAlive: head.keepAlive,
        location: head.location?.text(in: span), byteCount: head.byteCount, fields: fields(table, span)))
  }
}

func parseResponse(_ text: String, toHead: Bool = false) -> Outcome<Response> {
  parseResponse(Array(text.utf8), toHead: toHead)
}

func fields(_ table: borrowing FieldTable, _ bytes: RawSpan) -> [Field] {
  var fields: [Field] = []
  for index in 0..<table.count {
    let line = table[index]
    fields.append(
      Field(
        id: line.id, name: line.name.text(in: bytes), value: line.value.text(in: bytes),
        line: line.line.text(in: bytes), isHopByHop: line.isHopByHop))
  }
  return fields
}

/// A GET over HTTP/1.1 with these lines after its Host.
func get(_ lines: String...) -> String {
  "GET / HTTP/1.1\r\nHost: h\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// Each shorter piece of a right head is incomplete; bytes after the head change nothing.
func expectRightWhereverCut<Head>(
  _ bytes: [UInt8], _ parse: ([UInt8]) -> Outcome<Head>, sourceLocation: SourceLocation = #_sourceLocation
) {
  let whole = parse(bytes)
  #expect(whole.head != nil, sourceLocation: sourceLocation)
  for count in 0..<bytes.count {
    #expect(
      parse(Array(bytes[..<count])) == .incomplete, "first \(count) bytes", sourceLocation: sourceLocation)
  }
  #expect(parse(bytes + Array("\r\nX \u{0}".utf8)) == whole, sourceLocation: sourceLocation)
}

/// Each shorter piece of a wrong head is incomplete or wrong for the same reason, never right.
func expectWrongWhereverCut<Head>(
  _ wrong: Wrong, _ parse: ([UInt8]) -> Outcome<Head>, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(parse(wrong.bytes) == .malformed(wrong.reason), sourceLocation: sourceLocation)
  var wasWrong = false
  for count in 0..<wrong.bytes.count {
    let outcome = parse(Array(wrong.bytes[..<count]))
    if outcome != .incomplete || wasWrong {
      #expect(outcome == .malformed(wrong.reason), "first \(count) bytes", sourceLocation: sourceLocation)
      wasWrong = true
    }
  }
}
