import EventLoop
import FoundationEssentials

extension HTTPServerResponse {
  static let json = "application/json"

  /// A value as one JSON document.
  init(status: Int = 200, json value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    do {
      var body = try Array(encoder.encode(value))
      body.append(UInt8(ascii: "\n"))
      self.init(status: status, headers: [("Content-Type", Self.json)], body: body)
    } catch {
      // A number that JSON has no way to write.
      self.init(status: 500, text: "the answer can't be written: \(error)\n")
    }
  }

  /// With the fields that every answer of the admin plane has.
  func secured() -> HTTPServerResponse {
    var response = self
    let names = Set(headers.map(\.name))
    for (name, value) in Self.securityFields where !names.contains(name) {
      response.headers.append((name, value))
    }
    return response
  }

  /// Nothing is kept, framed, guessed at or told to others.
  static let securityFields: [(name: String, value: String)] = [
    ("Cache-Control", "no-store"),
    (
      "Content-Security-Policy",
      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
  ]
}
