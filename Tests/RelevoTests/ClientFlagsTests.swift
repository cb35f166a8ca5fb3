import Addressing
import Testing

@testable import relevo

@Suite("flags about clients and what is before Relevo")
struct ClientFlagsTests {
  @Test("--trusted-proxies takes addresses, blocks and unix, with commas, repeated and from the environment")
  func trustedProxies() throws {
    #expect(try serve().clients.trusted == .none)
    let flags = try serve("--trusted-proxies", "10.0.0.0/8", "::1", "--trusted-proxies", "unix,192.0.2.7")
    let expected = TrustedProxies(
      prefixes: [try IPPrefix("10.0.0.0/8"), try IPPrefix("::1"), try IPPrefix("192.0.2.7")],
      includesUnixSockets: true)
    #expect(flags.clients.trusted == expected)
    #expect(
      try serve(environment: ["RELEVO_TRUSTED_PROXIES": "10.0.0.0/8, ::1,unix 192.0.2.7"]).clients.trusted
        == expected)
    let configuration = try flags.proxyConfiguration(descriptors: DescriptorLimit(descriptors: 1024))
    #expect(configuration.trustedProxies == expected)
  }

  @Test("--accept-proxy is off unless it is given, also in the environment")
  func acceptProxy() throws {
    func isOn(_ command: ServeCommand) throws -> Bool {
      try command.proxyConfiguration(descriptors: DescriptorLimit(descriptors: 1024)).acceptsProxyHeader
    }
    #expect(try !isOn(serve()))
    #expect(try isOn(serve("--accept-proxy")))
    #expect(try isOn(serve(environment: ["RELEVO_ACCEPT_PROXY": "true"])))
    #expect(try !isOn(serve(environment: ["RELEVO_ACCEPT_PROXY": "false"])))
  }

  @Test(
    "a value of --trusted-proxies that is no block of addresses is refused with what would be right",
    arguments: [
      (
        "lb.example.com",
        "write an address or a block of them, as in 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32, or unix"
      ),
      (
        "10.0.0.0/8,",
        "write an address or a block of them, as in 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32, or unix"
      ),
      ("10.0.0.7/8", "the address has bits past its prefix: write 10.0.0.0/8"),
      ("10.0.0.0/33", "the number behind the slash is 0 to 32"),
    ])
  func badTrustedProxies(_ text: String, _ sentence: String) {
    #expect(throws: BadValue(sentence)) { try TrustedProxiesArgument(parsing: text) }
    #expect(
      refusal(by: ClientFlags.self, "--trusted-proxies", text)
        == "the value '\(text)' is invalid for '--trusted-proxies <proxies>': \(sentence)")
  }
}
