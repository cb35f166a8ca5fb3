import Testing

@testable import HTTP1

struct StatusSetTests {
  @Test(
    "statuses, classes and ranges are taken, and given back as short as they go",
    arguments: [
      ("404", "404"), ("404,410", "404,410"), ("2xx,3xx,401", "2xx,3xx,401"), ("4XX", "4xx"),
      (" 404 , 5xx ", "404,5xx"),
      ("200-299", "2xx"), ("200-299,404", "2xx,404"), ("250-350", "250-350"), ("250-399", "250-299,3xx"),
      ("100-599", "1xx,2xx,3xx,4xx,5xx"), ("404,403,405", "403-405"), ("404-404", "404"),
      ("410,404,404", "404,410"),
      ("599", "599"), ("100", "100"), ("500 - 504", "500-504"),
    ])
  func parses(_ text: String, _ description: String) throws {
    let set = try StatusSet(parsing: text)
    #expect(set.description == description)
    #expect(try StatusSet(parsing: description) == set)
  }

  @Test("it contains what was named and nothing beside")
  func contains() throws {
    let set = try StatusSet(parsing: "1xx,204,301-303,599")
    let expected = Set(Array(100...199) + [204, 301, 302, 303, 599])
    for status in UInt16.min...UInt16.max where set.contains(status) != expected.contains(Int(status)) {
      Issue.record("\(status)")
    }
  }

  @Test(
    "what is no list of statuses is refused with what is wrong",
    arguments: [
      ("", "an element is empty"), ("404,", "an element is empty"), (",404", "an element is empty"),
      ("404,,410", "an element is empty"), ("99", "'99' is no status from 100 to 599"),
      ("099", "'099' is no status from 100 to 599"), ("600", "'600' is no status from 100 to 599"),
      ("+44", "'+44' is no status from 100 to 599"), ("abc", "'abc' is no status from 100 to 599"),
      ("40x", "'40x' is no status from 100 to 599"), ("4xxx", "'4xxx' is no status from 100 to 599"),
      ("0xx", "'0xx' is no class of statuses"), ("6xx", "'6xx' is no class of statuses"),
      ("299-200", "'299-200' runs backwards"), ("200-", "'' is no status from 100 to 599"),
      ("200-300-400", "'200-300-400' is no status from 100 to 599"),
      ("4xx-5xx", "'4xx' is no status from 100 to 599"),
      ("404;410", "'404;410' is no status from 100 to 599"), ("٤٠٤", "'٤٠٤' is no status from 100 to 599"),
    ])
  func refuses(_ text: String, _ problem: String) {
    let error = #expect(throws: StatusSetError.self) { try StatusSet(parsing: text) }
    #expect(error?.problem == problem)
    #expect(error?.description.hasPrefix("'\(text)' is not a list of statuses: \(problem). Write ") == true)
  }
}
