/// The form of a request target (RFC 9112, 3.2). The authority form belongs to CONNECT, which is refused.
public enum TargetForm: Sendable, Equatable {
  /// `/path?query`
  case origin
  /// `http://host/path?query`
  case absolute
  /// `*`
  case asterisk
}

/// The head of a request (RFC 9112, 3 and 5). All offsets count from the first byte handed to `parse`.
public struct RequestHead: Sendable {
  public var method = Method.other
  /// The method as sent.
  public var methodName = ByteRange.empty
  /// The target as sent.
  public var target = ByteRange.empty
  public var targetForm = TargetForm.origin
  /// What a request to an origin carries as its target.
  ///
  /// Empty for `http://host`, where the forwarder writes `/` (`*` for OPTIONS), and for `*`; else it begins
  /// with a slash.
  public var pathAndQuery = ByteRange.empty
  /// `pathAndQuery` up to its first `?`.
  public var path = ByteRange.empty
  /// The authority of an absolute target, else the value of Host, else empty (HTTP/1.0 only).
  ///
  /// This, not the Host as sent, is what a forwarder writes as Host (RFC 9112, 3.2.2).
  public var authority = ByteRange.empty
  /// The request line with its CRLF, where an origin can have it as it came: HTTP/1.1 and the origin form; else empty.
  public var line = ByteRange.empty
  /// 0 or 1; 1.2 to 1.9 count as 1 (RFC 9110, 2.5).
  public var minorVersion: UInt8 = 1
  /// `.none`, `.length` or `.chunked`. `Content-Length: 0` is `.length(0)`.
  public var framing = BodyFraming.none
  /// Whether version and Connection let the connection carry another request (RFC 9112, 9.3).
  public var keepAlive = false
  /// Whether the client waits for 100 (Continue) before it sends its content (RFC 9110, 10.1.1).
  public var expectsContinue = false
  /// Whether the client asks for another protocol: HTTP/1.1 with `Connection: upgrade` and an Upgrade field.
  public var wantsUpgrade = false
  /// Length of the head with its empty line, and with the empty line before it if there was one.
  public var byteCount = 0

  /// A head of nothing, to be replaced by a parsed one.
  public init() {}

  /// Reads a request head from the front of `bytes`.
  ///
  /// Takes the strict reading wherever RFC 9112 lets a recipient choose: lines end in CRLF; one empty line
  /// may come before the request line. What is wrong is found as soon as its bytes are there, and what is
  /// found does not depend on how many bytes follow. Time is linear in the bytes looked at, at most
  /// `limits.maxBytes`; nothing is allocated. `fields` holds the field lines when the result is a head.
  public static func parse(
    _ bytes: RawSpan, limits: HeadLimits, fields: inout FieldTable
  ) -> HeadParse<RequestHead> {
    let end = limits.window(bytes.byteCount)
    var head = RequestHead()
    var offset = 0
    fields.removeAll()
    do throws(HeadStop) {
      try head.readRequestLine(bytes, at: &offset, end: end)
    } catch {
      return error.outcome(bytes, limits, tooLong: .requestLineTooLong)
    }
    do throws(HeadStop) {
      var section = FieldSection(isRequest: true, minorVersion: head.minorVersion)
      try section.read(bytes, at: &offset, end: end, maxFields: limits.maxFields, into: &fields)
      try head.conclude(section)
      head.byteCount = offset
      return .head(head)
    } catch {
      return error.outcome(bytes, limits, tooLong: .headTooLong)
    }
  }

  private mutating func conclude(_ section: FieldSection) throws(HeadStop) {
    if let host = section.host {
      if targetForm != .absolute { authority = host }
    } else if minorVersion >= 1 {
      throw .malformed(.missingHost)
    }
    if try section.coding.isChunked() {
      framing = .chunked
    } else if let length = section.contentLength {
      framing = .length(length)
    }
    keepAlive = section.keepAlive
    expectsContinue = section.expectsContinue
    wantsUpgrade =
      minorVersion >= 1 && section.hasUpgrade && !section.offersH2C
      && section.connection.options.contains(.upgrade)
  }
}
