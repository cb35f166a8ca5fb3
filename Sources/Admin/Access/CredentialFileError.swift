/// Why a file that says who may use the admin plane can't be used.
public struct CredentialFileError: Error, CustomStringConvertible {
  /// One sentence: the flag, the file, what is wrong with it and what would be right.
  public let description: String

  init(_ sentence: String) {
    description = sentence
  }
}
