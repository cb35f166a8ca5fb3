/// What is wrong with a message.
public enum MalformedMessage: Error, Sendable, Equatable, CaseIterable, CustomStringConvertible {
  case bareLineFeed
  case bareCarriageReturn

  case requestLineTooLong
  case invalidMethod
  case methodTooLong
  case connectUnsupported
  case invalidRequestLine
  case invalidTarget
  case invalidTargetAuthority
  case asteriskWithoutOptions
  case invalidVersion
  case unsupportedVersion

  case invalidStatusLine
  case invalidStatus

  case headTooLong
  case tooManyFields
  case lineFolding
  case emptyFieldName
  case invalidFieldName
  case spaceBeforeColon
  case missingColon
  case invalidFieldValue

  case missingHost
  case duplicateHost
  case invalidHost

  case invalidContentLength
  case duplicateContentLength
  case contentLengthWithTransferEncoding
  case transferEncodingInHTTP10
  case transferEncodingWithoutContent
  case invalidTransferEncoding
  case unsupportedTransferCoding

  case invalidConnection
  case connectionNamesFraming
  case tooManyConnectionOptions

  case invalidChunkSize
  case chunkTooLarge
  case invalidChunkExtension
  case chunkLineTooLong
  case missingChunkEnd
  case trailersTooLong

  /// What the client is answered when its request is the malformed one. For an answer of an origin the client
  /// gets 502 whatever this says.
  public var status: UInt16 {
    switch self {
    case .requestLineTooLong: 414
    case .headTooLong, .tooManyFields, .trailersTooLong: 431
    case .methodTooLong, .connectUnsupported, .unsupportedTransferCoding: 501
    case .unsupportedVersion: 505
    case .invalidStatusLine, .invalidStatus, .transferEncodingWithoutContent: 502
    default: 400
    }
  }

  /// A sentence for the log.
  public var description: String {
    switch self {
    case .bareLineFeed: "A line ends in LF without CR."
    case .bareCarriageReturn: "A CR is not followed by LF."
    case .requestLineTooLong: "The request line is longer than the limit for a head."
    case .invalidMethod: "The method is empty or has a byte that no method may have."
    case .methodTooLong: "The method is longer than 32 bytes."
    case .connectUnsupported: "CONNECT is not supported."
    case .invalidRequestLine:
      "The request line is not method, target and version with one space between them."
    case .invalidTarget: "The request target is empty, of no known form or has a byte that none may have."
    case .invalidTargetAuthority: "The host or port in the request target is not valid."
    case .asteriskWithoutOptions: "The request target * is for OPTIONS only."
    case .invalidVersion: "The HTTP version is not written as HTTP/1.1 is."
    case .unsupportedVersion: "The HTTP version is not 1.x."
    case .invalidStatusLine:
      "The status line is not version, three digits and reason with one space between them."
    case .invalidStatus: "The status is not within 100 to 599."
    case .headTooLong: "The head is longer than the limit."
    case .tooManyFields: "The head has more field lines than the limit."
    case .lineFolding: "A field line begins with a space or tab."
    case .emptyFieldName: "A field line has no name before its colon."
    case .invalidFieldName: "A field name has a byte that none may have."
    case .spaceBeforeColon: "A field name has a space or tab before its colon."
    case .missingColon: "A field line has no colon."
    case .invalidFieldValue: "A field value has a control byte."
    case .missingHost: "The request has no Host."
    case .duplicateHost: "The request has more than one Host."
    case .invalidHost: "The Host is not a host with an optional port."
    case .invalidContentLength: "The Content-Length is not one number below 2^63."
    case .duplicateContentLength: "The message has more than one Content-Length."
    case .contentLengthWithTransferEncoding: "The message has both Content-Length and Transfer-Encoding."
    case .transferEncodingInHTTP10: "An HTTP/1.0 message has Transfer-Encoding."
    case .transferEncodingWithoutContent: "An answer that cannot have content has Transfer-Encoding."
    case .invalidTransferEncoding: "The Transfer-Encoding does not end in one plain chunked."
    case .unsupportedTransferCoding: "The Transfer-Encoding has a coding other than chunked."
    case .invalidConnection: "The Connection field is not a list of names."
    case .connectionNamesFraming: "The Connection field names Host, Content-Length or Transfer-Encoding."
    case .tooManyConnectionOptions: "The Connection fields name too many other fields."
    case .invalidChunkSize: "A chunk size is not 1 to 16 hexadecimal digits."
    case .chunkTooLarge: "A chunk size is not below 2^63."
    case .invalidChunkExtension: "A chunk extension has a control byte."
    case .chunkLineTooLong: "The line with a chunk size is longer than 4096 bytes."
    case .missingChunkEnd: "The data of a chunk is not followed by CRLF."
    case .trailersTooLong: "The trailer section is longer than 8192 bytes."
    }
  }
}
