import Foundation
import Testing

@testable import Admin

@Suite("the OpenAPI document")
struct OpenAPITests {
  @Test("has all paths that are answered, with their methods, and no others")
  func paths() throws {
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(OpenAPIDocument.bytes)) as? [String: Any])
    let paths = try #require(document["paths"] as? [String: [String: Any]])
    for (path, operations) in paths {
      let resource = try #require(Resource(path: path.split(separator: "/").map(String.init)), "\(path)")
      #expect(Set(operations.keys.map { $0.uppercased() }) == Set(resource.methods), "\(path)")
      for (method, operation) in operations {
        let operation = try #require(operation as? [String: Any])
        let isPublic = (operation["security"] as? [Any])?.isEmpty == true
        #expect(isPublic == resource.isPublic, "\(method) \(path)")
      }
    }
    #expect(paths.count == 19)
  }
}
