/// What belongs to a page without being one: images, styles, scripts, fonts, sound and pictures that move.
enum Asset {
  /// Values of Sec-Fetch-Dest (Fetch Metadata, 2.1), which browsers send over TLS and to localhost.
  private static let destinations: [StaticString] = [
    "image", "style", "script", "font", "audio", "video", "track",
  ]

  /// For clients that do not say what they want: ends of paths.
  private static let extensions: [StaticString] = [
    "css", "js", "mjs", "map",
    "png", "apng", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "bmp",
    "woff", "woff2", "ttf", "otf", "eot",
    "mp3", "m4a", "ogg", "oga", "opus", "wav", "mp4", "m4v", "webm", "ogv", "mov", "vtt",
  ]
  private static let longestExtension = 5

  static func isDestination(_ value: RawSpan) -> Bool {
    destinations.contains { value.equalsIgnoringCase($0) }
  }

  /// Whether a path, without its query, ends in one of the extensions, in any case.
  static func hasExtension(_ path: RawSpan) -> Bool {
    let last = path.byteCount - 1
    guard
      let dot = stride(from: last, to: max(-1, last - longestExtension - 1), by: -1).first(where: {
        path.byte(at: $0) == UInt8(ascii: ".")
      })
    else { return false }
    let found = path.extracting((dot + 1)...)
    return extensions.contains { found.equalsIgnoringCase($0) }
  }
}
