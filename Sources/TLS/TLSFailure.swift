import COpenSSL
import EventLoop

/// Why a connection could not be opened, or broke.
public enum TLSFailure: Error, Equatable, CustomStringConvertible {
  /// The socket failed.
  case system(errno: Int32)
  /// The peer's last byte came before TLS was at its end, so bytes may be missing (RFC 8446, 6.1).
  case cutOff
  /// The peer speaks HTTP without TLS.
  case plainHTTP
  /// The peer's certificate was not accepted; the reason as OpenSSL words it, such as `certificate has expired`.
  case certificate(reason: String)
  /// The peer ended it; its alert's name as OpenSSL words it.
  case alert(String)
  /// What the peer sent is no TLS, or none that both sides can agree on.
  case handshake(reason: String)
  /// More is waiting to be sent than is kept for a peer that does not read.
  case floods
  case outOfMemory

  public var description: String {
    switch self {
    case .system(let code): systemMessage(code)
    case .cutOff: "the connection ended without TLS being closed"
    case .plainHTTP: "HTTP without TLS on a TLS port"
    case .certificate(let reason): "its certificate was refused: \(reason)"
    case .alert(let name): "the peer ended TLS: \(name)"
    case .handshake(let reason): "the handshake failed: \(reason)"
    case .floods: "the peer has TLS answer it and does not read the answers"
    case .outOfMemory: "out of memory"
    }
  }
}
