/// What is wrong with a file or a setting, in the sentence that the operator gets.
public struct TLSError: Error, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// The versions that can be asked for.
public enum TLSVersion: String, Sendable, CaseIterable {
  case tls12 = "1.2"
  case tls13 = "1.3"
}
