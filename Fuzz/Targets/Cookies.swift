import HTTP1

@testable import Proxy

private let limits = HeadLimits(maxBytes: 8192, maxFields: 32)
private let prefix = OldCookiePrefix("o_")
private let rules = CookieRules(oldPrefix: prefix, sticky: StickyCookie("s"))
private let old = AnswerSource.Old(
  address: OldAddress(server: HostAndPort(Array("o.p:1".utf8)), host: nil),
  cookies: rules)
// Not the same rules: those remember what the new pool sets.
private let new = AnswerSource.New(
  cookies: CookieRules(oldPrefix: nil, sticky: StickyCookie("s")), tag: StickyCookie.tag(id: "w"))

/// The lines of the input are the values of Cookie fields, and of Set-Cookie fields of either site.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  checkRequest(input.split(separator: 0x0A).map(Array.init))
  for line in input.split(separator: 0x0A) { checkSetCookie(Array(line)) }
  return 0
}

/// One cookie, or what stands in its place, without the blanks around it.
private struct Cookie: Equatable {
  var name: [UInt8]?
  var value: [UInt8]
}

private func cookies(_ value: [UInt8]) -> [Cookie] {
  var parts = CookieParts(ByteRange(lower: 0, upper: value.count))
  var cookies: [Cookie] = []
  while let part = unsafe parts.next(in: value.span.bytes) {
    cookies.append(
      Cookie(
        name: part.name.map { Array(value[$0.lower..<$0.upper]) },
        value: Array(value[part.value.lower..<part.value.upper])))
  }
  return cookies
}

/// The name that the old server knows a cookie by; nil for what is not its own.
private func ownName(_ cookie: Cookie) -> [UInt8]? {
  guard let name = cookie.name else { return nil }
  return unsafe prefix.range(in: ByteRange(lower: 0, upper: name.count), of: name.span.bytes).map {
    Array(name[..<$0.lower] + name[$0.upper...])
  }
}

/// The value of the sticky cookie without its tag; nil for one that has none.
private func untagged(_ cookie: Cookie) -> [UInt8]? {
  guard cookie.name == Array("s".utf8), let tilde = cookie.value.firstIndex(of: 0x7E) else { return nil }
  let id = cookie.value[..<tilde]
  guard id.elementsEqual("w".utf8) || OriginID.isDerived(id) else { return nil }
  return Array(cookie.value[(tilde + 1)...].drop { $0 == 0x20 || $0 == 0x09 })
}

private func isEmpty(_ cookie: Cookie) -> Bool { cookie.name == nil && cookie.value.isEmpty }

/// What each site gets is what is its own, in order, and nothing of it changed.
private func checkRequest(_ values: [[UInt8]]) {
  let head = Array("GET / HTTP/1.1\r\nHost: h\r\n".utf8)
  let message = head + values.flatMap { Array("Cookie:".utf8) + $0 + [13, 10] } + [13, 10]
  var table = FieldTable(capacity: 32)
  guard case .head = unsafe RequestHead.parse(message.span.bytes, limits: limits, fields: &table) else {
    return
  }
  var sent: [Cookie] = []
  for index in 0..<table.count where table[index].id == .cookie {
    sent += cookies(Array(message[table[index].value.lower..<table[index].value.upper]))
  }
  let kept = sent.compactMap(ownName)
  guard kept.count <= 200 else { return }
  let forNew = sent.filter { ownName($0) == nil && !isEmpty($0) }
    .map { Cookie(name: $0.name, value: untagged($0) ?? $0.value) }
  let forOld = sent.filter { cookie in
    ownName(cookie) != nil || !(cookie.name.map(kept.contains) ?? isEmpty(cookie)) && untagged(cookie) == nil
  }.map { Cookie(name: ownName($0) ?? $0.name, value: $0.value) }
  for (site, expected) in [(Site.new, forNew), (.old, forOld)] {
    let got = forwarded(message, table, to: site)
    precondition(got.filter { !isEmpty($0) } == expected, "\(site) gets other cookies than its own")
  }
}

private func forwarded(_ message: [UInt8], _ table: borrowing FieldTable, to site: Site) -> [Cookie] {
  let bytes = unsafe message.span.bytes
  let view = CookieView(rules: rules, site: site, tags: [new.tag])
  let request = RequestCookies(view, fields: table, bytes: bytes)
  var got: [Cookie] = []
  for index in 0..<table.count where table[index].id == .cookie {
    var writer = ByteWriter(capacity: 64)
    var run = ByteRun()
    request.write(table[index], from: bytes, run: &run, into: &writer)
    run.write(from: bytes, into: &writer)
    guard !writer.isEmpty else { continue }
    let line = unsafe writer.withUnsafeBytes { unsafe Array($0) }
    precondition(line.starts(with: "Cookie:".utf8) && line.suffix(2) == [13, 10], "the line is broken")
    got += cookies(Array(line.dropFirst(7).dropLast(2)))
  }
  return got
}

/// A client that keeps a cookie sends it back under the name that the old server gave it.
private func checkSetCookie(_ value: [UInt8]) {
  let message = Array("HTTP/1.1 200 OK\r\nSet-Cookie:".utf8) + value + [13, 10, 13, 10]
  var table = FieldTable(capacity: 32)
  let bytes = unsafe message.span.bytes
  guard case .head = ResponseHead.parse(bytes, toHead: false, limits: limits, fields: &table),
    table.count == 1
  else {
    return
  }
  let set = cookies(Array(value))
  checkSetByNew(table[0], bytes, set)
  let got = forwarded { run, writer in
    unsafe AnswerCookies.writeOld(
      table[0], old, from: bytes, publicAuthority: Array("h".utf8).span.bytes, run: &run, into: &writer)
    run.write(from: bytes, into: &writer)
  }
  guard let name = set[0].name, !name.isEmpty else {
    return precondition(got[0] == set[0], "what has no name has changed")
  }
  precondition(got[0].value == set[0].value, "the value has changed")
  // A name of nothing but what browsers look for is not taken back for anybody's.
  let isTakenBack = ownName(got[0]) == name
  precondition(
    isTakenBack || got[0].name?.suffix(2).elementsEqual("o_".utf8) == true, "it does not come back")
  let attributes = set.dropFirst().filter { !($0.name.map(isDomain) ?? false) }
  precondition(
    got.dropFirst().filter { !($0.name.map(isDomain) ?? false) } == Array(attributes),
    "an attribute has changed")
}

/// The cookies of the Set-Cookie line that is written.
private func forwarded(_ write: (inout ByteRun, inout ByteWriter) -> Void) -> [Cookie] {
  var writer = ByteWriter(capacity: 64)
  var run = ByteRun()
  write(&run, &writer)
  let line = unsafe writer.withUnsafeBytes { unsafe Array($0) }
  precondition(line.starts(with: "Set-Cookie:".utf8) && line.suffix(2) == [13, 10], "the line is broken")
  return cookies(Array(line.dropFirst(11).dropLast(2)))
}

/// A client that keeps a cookie sends it back with the value that the new pool gave it, and with its server.
private func checkSetByNew(_ field: FieldLine, _ bytes: RawSpan, _ set: [Cookie]) {
  let got = forwarded { run, writer in
    AnswerCookies.writeNew(field, new, from: bytes, run: &run, into: &writer)
    run.write(from: bytes, into: &writer)
  }
  precondition(
    got.dropFirst() == set.dropFirst() && got[0].name == set[0].name, "more than the value has changed")
  guard got[0] != set[0] else { return }
  precondition(untagged(got[0]) == set[0].value, "the value does not come back")
}

private func isDomain(_ name: [UInt8]) -> Bool {
  String(decoding: name, as: UTF8.self).lowercased() == "domain"
}
