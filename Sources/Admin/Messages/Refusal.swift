import EventLoop

/// Why a request is not done: a status, and one sentence with what is wrong and what would be right.
struct Refusal: Error, Equatable {
  let status: Int
  let sentence: String
  /// Fields that the status asks for, as `Allow`.
  var fields: [Field] = []

  struct Field: Equatable {
    let name: String
    let value: String
  }

  static func badRequest(_ sentence: String) -> Refusal { Refusal(status: 400, sentence: sentence) }

  static func forbidden(_ sentence: String) -> Refusal { Refusal(status: 403, sentence: sentence) }

  static func notFound(_ sentence: String) -> Refusal { Refusal(status: 404, sentence: sentence) }

  static func conflict(_ sentence: String) -> Refusal { Refusal(status: 409, sentence: sentence) }

  /// It may go well a moment later.
  static func busy(_ sentence: String) -> Refusal {
    Refusal(status: 503, sentence: sentence, fields: [Field(name: "Retry-After", value: "1")])
  }

  static func method(allowed: [String]) -> Refusal {
    let names = allowed.contains("GET") ? ["GET", "HEAD"] + allowed.filter { $0 != "GET" } : allowed
    return Refusal(
      status: 405, sentence: "this is asked for with \(names.joined(separator: ", ")) only",
      fields: [Field(name: "Allow", value: names.joined(separator: ", "))])
  }

  var response: HTTPServerResponse {
    var response = HTTPServerResponse(status: status, json: ["error": sentence])
    for field in fields { response.headers.append((field.name, field.value)) }
    return response
  }
}
