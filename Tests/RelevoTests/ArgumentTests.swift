import Proxy
import Testing
import URLMap

@testable import relevo

@Suite("what the values of flags may look like")
struct ArgumentTests {
  @Test(
    "a duration is a whole number and a unit",
    arguments: [
      ("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("24h", 86_400_000), ("0", 0), ("0s", 0),
      ("007s", 7000),
    ])
  func goodDurations(text: String, milliseconds: Int64) throws {
    #expect(try DurationArgument(parsing: text).milliseconds == milliseconds)
  }

  @Test(
    "a duration without a unit, with a sign, a fraction or a strange unit is refused with an example",
    arguments: [
      "", "10", "s", "ms", "1.5s", "-1s", "+1s", " 1s", "1s ", "1 s", "10S", "1D", "1sec", "1h30m", "١s",
      "9223372036854775807h", "99999999999999999999s",
    ])
  func badDurations(text: String) {
    let sentence = BadValue("write a whole number and a unit, as in 500ms, 10s, 5m or 24h")
    #expect(throws: sentence) { try DurationArgument(parsing: text) }
  }

  @Test("a duration outside its flag's range is refused with the range")
  func durationRange() throws {
    let parse = DurationArgument.from(.milliseconds(10), to: .minutes(5))
    #expect(try parse("10ms") == .milliseconds(10))
    #expect(try parse("5m") == .minutes(5))
    #expect(throws: BadValue("give a time from 10ms to 5m")) { try parse("9ms") }
    #expect(throws: BadValue("give a time from 10ms to 5m")) { try parse("301s") }
  }

  @Test(
    "a duration is shown as a flag would write it",
    arguments: ["0s", "1ms", "1500ms", "10s", "60s", "90s", "2m", "1h", "24h", "8760h"])
  func durationText(text: String) throws {
    #expect(try DurationArgument(parsing: text).description == text)
  }

  @Test(
    "a size is a number of bytes, or of units of 1,024",
    arguments: [
      ("0", 0), ("1", 1), ("64k", 65_536), ("64K", 65_536), ("10m", 10_485_760), ("1g", 1_073_741_824),
    ])
  func goodSizes(text: String, bytes: Int) throws {
    #expect(try SizeArgument(parsing: text).bytes == bytes)
  }

  @Test(
    "a size with a sign, a fraction or a strange unit is refused with an example",
    arguments: ["", "k", "-1", "1.5k", "64kb", "64 k", "1t", "0x10", "9223372036854775807k"])
  func badSizes(text: String) {
    let sentence = BadValue("write a whole number of bytes, or with k, m or g, as in 64k or 10m")
    #expect(throws: sentence) { try SizeArgument(parsing: text) }
  }

  @Test(
    "a size is shown as a flag would write it", arguments: ["0", "1", "1025", "64k", "1m", "1025k", "3g"])
  func sizeText(text: String) throws {
    #expect(try SizeArgument(parsing: text).description == text)
  }

  @Test("a count outside its range, or with anything but digits, is refused with the range")
  func counts() throws {
    let parse = CountArgument.within(1...256)
    #expect(try parse("1") == 1)
    #expect(try parse("256") == 256)
    for bad in ["0", "257", "-1", "+1", "", "1k", "1e2", "99999999999999999999"] {
      #expect(throws: BadValue("give a whole number from 1 to 256")) { try parse(bad) }
    }
  }

  @Test("--fallback-on takes the word unreachable beside statuses, in any place")
  func fallbackWords() throws {
    for (text, statuses) in [("404,unreachable", "404"), ("unreachable, 404,5xx", "404,5xx")] {
      let argument = try FallbackArgument(parsing: text)
      #expect(argument.unreachable)
      #expect(try argument.statuses().description == statuses)
    }
    #expect(try !FallbackArgument(parsing: "404").unreachable)
    #expect(try FallbackArgument(parsing: " unreachable ,404").description == "404,unreachable")
    #expect(throws: BadValue("name the statuses of a miss beside it, as in 404,unreachable")) {
      try FallbackArgument(parsing: "unreachable")
    }
    #expect(throws: BadValue.self) { try FallbackArgument(parsing: "404,unreachable x") }
    #expect(throws: BadValue.self) { try FallbackArgument(parsing: "404,,unreachable") }
    #expect(throws: BadValue.self) { try StatusesArgument(parsing: "404,unreachable") }
  }

  @Test(
    "a listen address is a host and a port, or the path of a unix socket",
    arguments: [
      ("127.0.0.1:8080", ListenAddress.tcp(host: "127.0.0.1", port: 8080)),
      ("localhost:0", .tcp(host: "localhost", port: 0)),
      ("0.0.0.0:65535", .tcp(host: "0.0.0.0", port: 65_535)),
      ("[::1]:8080", .tcp(host: "::1", port: 8080)),
      ("[fe80::1%eth0]:80", .tcp(host: "fe80::1%eth0", port: 80)),
      ("unix:/run/relevo.sock", .unix(path: "/run/relevo.sock")),
    ])
  func goodListenAddresses(text: String, address: ListenAddress) throws {
    #expect(try ListenAddress(flag: text) == address)
    #expect(address.flagText == text)
  }

  @Test(
    "a listen address that is none is refused with what would be right",
    arguments: [
      ("", "write host:port, as in 127.0.0.1:8080, [::1]:8080 or unix:/run/relevo.sock"),
      ("127.0.0.1", "write host:port, as in 127.0.0.1:8080, [::1]:8080 or unix:/run/relevo.sock"),
      ("8080", "write host:port, as in 127.0.0.1:8080, [::1]:8080 or unix:/run/relevo.sock"),
      ("[::1]", "write host:port, as in 127.0.0.1:8080, [::1]:8080 or unix:/run/relevo.sock"),
      (":8080", "name an address before the port: 0.0.0.0:8080 for every IPv4 address of this machine"),
      ("::1:8080", "put an IPv6 address in brackets, as in [::1]:8080"),
      ("[::1:8080", "close the bracket: [::1]:8080"),
      ("[127.0.0.1]:80", "write an IPv6 address in brackets and the port after them, as in [::1]:8080"),
      ("[::1]8080", "write an IPv6 address in brackets and the port after them, as in [::1]:8080"),
      ("127.0.0.1:", "a port is a number from 0 to 65535"),
      ("127.0.0.1:65536", "a port is a number from 0 to 65535"),
      ("127.0.0.1:http", "a port is a number from 0 to 65535"),
      ("127.0.0.1:-1", "a port is a number from 0 to 65535"),
      ("http://127.0.0.1:80", "leave the scheme out and write host:port, as in 127.0.0.1:8080"),
      ("unix:", "give the socket's absolute path, as in unix:/run/relevo.sock"),
      ("unix:relevo.sock", "give the socket's absolute path, as in unix:/run/relevo.sock"),
      ("unix:/run/", "give the socket's absolute path, as in unix:/run/relevo.sock"),
      ("unix:/" + String(repeating: "x", count: 107), "the path of a unix socket has at most 107 bytes"),
      ("a b:80", "'a b' is no host: a name or an address has letters, digits, dots and hyphens"),
    ])
  func badListenAddresses(text: String, sentence: String) {
    #expect(throws: BadValue(sentence)) { try ListenAddress(flag: text) }
  }

  @Test(
    "an origin is http:// and a host, with a port or port 80",
    arguments: [
      ("http://a", "a", 80, "http://a"), ("http://a/", "a", 80, "http://a"),
      ("HTTP://a", "a", 80, "http://a"), ("http://a:80", "a", 80, "http://a"),
      ("http://new-1.example_x.com:8080", "new-1.example_x.com", 8080, "http://new-1.example_x.com:8080"),
      ("http://10.0.0.2:1/", "10.0.0.2", 1, "http://10.0.0.2:1"), ("http://[::1]", "::1", 80, "http://[::1]"),
      ("http://[::1]:65535/", "::1", 65_535, "http://[::1]:65535"),
    ] as [(String, String, UInt16, String)])
  func goodOrigins(text: String, host: String, port: UInt16, shown: String) throws {
    let origin = try OriginAddress(flag: text)
    #expect(origin == OriginAddress(host: host, port: port))
    #expect(origin.flagText == shown)
  }

  @Test("an https origin has a port of its own, and the name of its certificate")
  func secureOrigins() throws {
    let plain = try OriginAddress(flag: "https://a")
    #expect(plain == OriginAddress(isSecure: true, host: "a", port: 443))
    #expect(plain.flagText == "https://a" && plain.tlsName == "a")
    let named = try OriginAddress(flag: "https://10.0.0.2:80/,sni=www.example.com,weight=2")
    #expect(
      named.tlsName == "www.example.com"
        && named.flagText == "https://10.0.0.2:80,weight=2,sni=www.example.com")
    #expect(try OriginAddress(flag: "http://a:443").flagText == "http://a:443")
    #expect(try OriginAddress(flag: "http://a").tlsName == nil)
    for text in ["https://a,sni=", "https://a,sni=a", "https://a,sni=a b.c", "https://a,sni=\u{e9}.fr"] {
      #expect(
        throws: BadValue("sni= takes the name that the server's certificate has, as in www.example.com")
      ) {
        try OriginAddress(flag: text)
      }
    }
  }

  @Test(
    "an origin that is none is refused with what would be right",
    arguments: [
      ("", "write http:// before it, as in http://10.0.0.2:8080"),
      ("10.0.0.2:8080", "write http:// before it, as in http://10.0.0.2:8080"),
      ("ftp://a", "an origin is spoken to over http or https: write http://host:port"),
      ("http://", "name the host: http://host:port"),
      ("http://:80", "name the host: http://host:port"),
      ("http://a:80/shop", "an origin has no path, the client's is passed on: write http://a:80"),
      ("http://a//", "an origin has no path, the client's is passed on: write http://a"),
      ("http://a?x=1", "an origin has no query: write http://a"),
      ("http://a#top", "an origin has no fragment: write http://a"),
      ("http://me:secret@a", "an origin has no user name or password: write http://host:port"),
      ("http://a:0", "a port is a number from 1 to 65535"),
      ("http://a:", "a port is a number from 1 to 65535"),
      ("http://a:99999", "a port is a number from 1 to 65535"),
      ("http://::1", "put an IPv6 address in brackets, as in [::1]:8080"),
      ("http://a b", "'a b' is no host: a name or an address has letters, digits, dots and hyphens"),
      ("http://caña", "'caña' is no host: a name or an address has letters, digits, dots and hyphens"),
    ])
  func badOrigins(text: String, sentence: String) {
    #expect(throws: BadValue(sentence)) { try OriginAddress(flag: text) }
  }

  @Test("options follow an origin behind commas")
  func originOptions() throws {
    let origin = try OriginAddress(flag: "http://[::1]:81/,weight=256,max=1000000,id=a-1.b_C")
    #expect(
      origin
        == OriginAddress(
          host: "::1", port: 81, options: OriginOptions(weight: 256, max: 1_000_000, id: "a-1.b_C")))
    #expect(try OriginAddress(flag: "http://a,max=1").options == OriginOptions(max: 1))
  }

  private static let noOption =
    "is no option of a server: write weight=, max=, id= or sni= behind a comma, and servers with a blank between"
  private static let badID = "id= takes 1 to 32 letters, digits, dots, hyphens or underscores"

  @Test(
    "a wrong option of an origin is refused with what would be right",
    arguments: [
      ("http://a,", "'' \(noOption)"), ("http://a,weight", "weight= takes a whole number from 1 to 256"),
      ("http://a,http://b", "'http://b' \(noOption)"), ("http://a,Weight=1", "'Weight=1' \(noOption)"),
      ("http://a,weight=0", "weight= takes a whole number from 1 to 256"),
      ("http://a,weight=257", "weight= takes a whole number from 1 to 256"),
      ("http://a,weight=+1", "weight= takes a whole number from 1 to 256"),
      ("http://a,max=0", "max= takes a whole number from 1 to 1000000"),
      ("http://a,max=99999999999999999999", "max= takes a whole number from 1 to 1000000"),
      ("http://a,max=1,max=2", "max= stands twice behind one server: give it once"),
      ("http://a,id=", badID), ("http://a,id=a~b", badID), ("http://a,id=ñ", badID),
      ("http://a,id=" + String(repeating: "x", count: 33), badID),
    ])
  func badOriginOptions(text: String, sentence: String) {
    #expect(throws: BadValue(sentence)) { try OriginAddress(flag: text) }
  }

  @Test("two servers can't have one identifier, nor can one site have a server twice")
  func originsTogether() {
    func refused(_ new: [String], _ old: [String]) -> String? {
      do {
        try OriginAddress.checkTogether(
          new: new.map { try OriginAddress(flag: $0) }, old: old.map { try OriginAddress(flag: $0) })
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(refused(["http://a", "http://b,id=b"], ["http://a", "http://c,id=c"]) == nil)
    #expect(
      refused(["http://a,id=x"], ["http://b,id=x"])
        == "id=x is given to two servers: give each its own, over both sites")
    #expect(
      refused(["http://a:80", "http://a/,weight=2"], [])
        == "--new http://a is given twice: give it once, with ,weight=2 where it is to get twice as much")
  }

  @Test("the old server's Host is a host with or without a port and nothing else")
  func oldHost() throws {
    for good in ["keep", "www.example.com", "www.example.com:8080", "[::1]:80", "10.0.0.1"] {
      #expect(try HostAndPort.hostField(good) == good)
    }
    for bad in ["", ":80", "a:0", "a:x", "http://a", "a/b", "a\r\nX: y", "a b"] {
      #expect(throws: BadValue.self) { try HostAndPort.hostField(bad) }
    }
  }

  @Test("the access log is off, standard output or a file")
  func accessLog() throws {
    #expect(try AccessLogArgument(parsing: "off") == .off)
    #expect(try AccessLogArgument(parsing: "-") == .standardOutput)
    #expect(try AccessLogArgument(parsing: "/var/log/relevo.log") == .file(path: "/var/log/relevo.log"))
    #expect(throws: BadValue.self) { try AccessLogArgument(parsing: "") }
    #expect(throws: BadValue.self) { try AccessLogArgument(parsing: "/var/log/") }
  }

  @Test(
    "a third of the open files is for clients, at least one and at most 65,536",
    arguments: [(0, 1), (64, 1), (1024, 320), (20_000, 6645), (1_048_576, 65_536), (Int.max, 65_536)])
  func connections(descriptors: Int, connections: Int) {
    #expect(DescriptorLimit(descriptors: descriptors).connections == connections)
  }

  @Test("--ignore-query takes names, beginnings, and words for the usual ones, none and all")
  func ignoredQuery() throws {
    func ignored(_ values: String...) throws -> IgnoredQuery {
      try IgnoreQueryArgument.ignoredQuery(values.map { try IgnoreQueryArgument(parsing: $0) })
    }
    #expect(try ignored() == .tracking)
    #expect(try ignored("default") == .tracking)
    #expect(try ignored("none") == .nothing)
    #expect(try ignored("*") == .everything)
    #expect(try ignored("a,b*", "c") == IgnoredQuery(names: ["c", "b*", "a"]))
    #expect(try ignored("default,sid") == IgnoredQuery(names: IgnoredQuery.trackingNames + ["sid"]))
    for wrong in ["", "a,", ",", "a b", "a=b", "none,a", "a*b"] {
      #expect(throws: BadValue.self, "\(wrong)") { try IgnoreQueryArgument(parsing: wrong) }
    }
  }
}
