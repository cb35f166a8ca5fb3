import EventLoop
import MapFormats
import URLMap

extension MapResources {
  /// The map in one of the formats of `relevo map export`, as a file to keep.
  func export(_ parameters: inout Parameters) throws(Refusal) -> Reply {
    let names = ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")
    guard let format = ExportFormat(rawValue: try parameters.require("format", "format=csv")) else {
      throw .badRequest("format is one of \(names)")
    }
    let redirect = try redirect(&parameters)
    let minHits = try parameters.count("min-hits", in: 0...Int(UInt32.max), default: 0)
    let prefix = try prefix(&parameters)
    try parameters.end()
    let options = ExportOptions(
      parts: subject.keys.parts, redirect: redirect, minHits: UInt32(clamping: minHits), prefix: prefix)
    if let problem = format.problem(with: options, writing: "to=") { throw .badRequest(problem) }
    let head = HTTPServerResponse(
      headers: [
        ("Content-Type", format.contentType),
        ("Content-Disposition", "attachment; filename=\"relevo-\(format.fileName)\""),
      ], body: [])
    return .parts(head) { [map = subject.map] pipe in
      try Self.checkLength(of: format, options, map)
      var export = MapExport(format, options)
      _ = try export.write(map, to: ExportOutput(handingTo: pipe.put))
    }
  }

  /// A file that holds no more would end in the middle.
  private static func checkLength(
    of format: ExportFormat, _ options: ExportOptions, _ map: URLMap
  ) throws(Refusal) {
    guard let most = format.mostEntries, map.count > most else { return }
    var count = 0
    map.forEachEntry(withPrefix: options.prefix) { _, entry in
      if entry.hits >= options.minHits { count += 1 }
    }
    guard count <= most else {
      throw .badRequest(
        "\(format.rawValue) holds at most \(most) URLs and these are \(count): narrow them with prefix or min-hits, or "
          + "write several with relevo map export --output FOLDER/")
    }
  }

  private func redirect(_ parameters: inout Parameters) throws(Refusal) -> Redirect? {
    let status = parameters.take("status")
    guard let to = parameters.take("to") else {
      if status != nil {
        throw .badRequest("status is a redirect's: it needs to, as in to=https://old.example.com")
      }
      return nil
    }
    guard let status = Redirect.Status(rawValue: status.map { Int($0) ?? 0 } ?? 301) else {
      throw .badRequest("status is 301, 302, 303, 307 or 308")
    }
    do {
      return try Redirect(to: to, status: status)
    } catch {
      throw .badRequest("to: \(error.reason)")
    }
  }
}

extension ExportFormat {
  fileprivate var contentType: String {
    switch self {
    case .csv: "text/csv; charset=utf-8; header=present"
    case .json: "application/json"
    case .sitemap: "application/xml"
    case .haproxy, .apacheText, .apacheDatabase, .nginxMap, .nginxRedirects: "text/plain; charset=utf-8"
    }
  }

  fileprivate var fileName: String {
    switch self {
    case .csv: "urls.csv"
    case .json: "urls.json"
    case .sitemap: "sitemap.xml"
    case .haproxy, .apacheText, .apacheDatabase, .nginxMap, .nginxRedirects: "\(rawValue).map"
    }
  }
}
