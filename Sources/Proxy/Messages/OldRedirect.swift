import HTTP1

/// What a client gets whose page is on the old server.
public enum OldMode: Sendable, Equatable {
  /// The page itself, under the same URL.
  case proxy
  /// A redirect to the old site's own name.
  case redirect(OldRedirect)
}

/// A redirect to the old site's own name.
public struct OldRedirect: Sendable, Equatable {
  public enum Status: UInt16, Sendable, CaseIterable {
    case movedPermanently = 301
    case found = 302
    case temporaryRedirect = 307
    case permanentRedirect = 308

    /// The client repeats its request as it was; after the others a POST would become a GET (RFC 9110, 15.4).
    var keepsMethod: Bool {
      switch self {
      case .movedPermanently, .found: false
      case .temporaryRedirect, .permanentRedirect: true
      }
    }
  }

  public var status: Status
  /// `https` or `http`.
  public var scheme: String
  /// Host, and port where it is not the scheme's own.
  public var authority: String
  /// What stands before the client's path: empty, or a path without a slash at its end.
  public var path: String

  public init(status: Status, scheme: String, authority: String, path: String) {
    self.status = status
    self.scheme = scheme
    self.authority = authority
    self.path = path
  }
}

/// Whether a request can be answered by sending its client to the old site.
enum RedirectUse: Equatable, CaseIterable {
  case never
  /// As long as the old server has not got the request itself: then its answer is the client's.
  case unlessAsked
  /// Also in place of the old server's answer: the request only reads.
  case always
}

extension Exchange {
  /// A method other than GET and HEAD is only redirected by a status that keeps it, an upgrade never; nor is a client
  /// that has come by the old site's own name, which would lead it here again.
  var redirectUse: RedirectUse {
    guard let redirect = settings.oldRedirect, !head.wantsUpgrade, head.targetForm != .asterisk else {
      return .never
    }
    let named = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[head.authority.range]).bytes
    if named.equalsIgnoringCase(redirect.authority) { return .never }
    switch head.method {
    case .get, .head: return .always
    case .options, .trace, .connect: return .never
    case .put, .post, .patch, .delete, .other: return redirect.status.keepsMethod ? .unlessAsked : .never
    }
  }

  /// Sends the client to the old site; true when it can be.
  func redirectToOld() -> Bool {
    guard let redirect = settings.oldRedirect, redirectUse != .never else { return false }
    let input = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[..<head.byteCount]).bytes
    let answer = OwnAnswer(status: redirect.status.rawValue, text: "This page is on the old site.")
    answerOwn(answer, as: .oldRedirect) { writer in
      writer.append("Location: ")
      writer.append(redirect.base)
      RequestWriter.writeTarget(of: head, bytes: input, into: &writer)
      writer.append("\r\n")
    }
    return true
  }
}

/// A redirect as the hot path wants it.
struct RedirectTarget: Sendable {
  let status: OldRedirect.Status
  /// Scheme, authority and path.
  let base: [UInt8]
  let authority: [UInt8]

  init(_ redirect: OldRedirect) {
    status = redirect.status
    base = Array("\(redirect.scheme)://\(redirect.authority)\(redirect.path)".utf8)
    authority = Array(redirect.authority.utf8)
  }
}
