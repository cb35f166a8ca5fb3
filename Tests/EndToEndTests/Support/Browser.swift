import Foundation

/// Debian's headless Chromium with one page, driven over its debugging pipe: messages in JSON, each ended by a zero byte.
final class Browser {
  /// What a user would find in the console: exceptions, errors, warnings, violations of a policy.
  private(set) var complaints: [String] = []
  /// The URLs that were asked for.
  private(set) var requested: [String] = []
  /// What came over TLS.
  private(set) var secured: [Secured] = []

  /// What a user reads of a page behind its padlock.
  struct Secured: Equatable {
    let url: String
    /// `secure`, or why not.
    let state: String
    /// As in `TLS 1.3`.
    let version: String
    let subject: String
    let issuer: String
  }

  private let folder: TemporaryFolder
  private let process: ChildProcess
  private let commands: FileHandle
  private let answers: Int32
  private var received: Bytes = []
  private var last = 0
  private var session: String?
  /// What the browser's own dialog for a name and a password is answered; nil cancels it.
  private var signIn: (name: String, password: String)?

  /// - Parameter authority: whose certificates it takes beside those that it comes with.
  init(width: Int = 1280, height: Int = 900, trusting authority: Authority? = nil) throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    if let authority { try Self.trust(authority, in: folder.path(".pki/nssdb")) }
    // Named, since a child inherits nothing but its standard streams.
    let pipes = try ["commands", "answers"].map { (name: String) -> Int32 in
      guard mkfifo(folder.path(name), 0o600) == 0 else { throw HarnessError.last("mkfifo") }
      // Both ends, so that no opening waits for the other side.
      let descriptor = Glibc.open(folder.path(name), O_RDWR | O_CLOEXEC)
      guard descriptor >= 0 else { throw HarnessError.last("open a pipe") }
      return descriptor
    }
    commands = FileHandle(fileDescriptor: pipes[0], closeOnDealloc: true)
    answers = pipes[1]
    process = try ChildProcess(
      "/bin/sh",
      [
        "-c", "exec chromium \"$@\" 3<\"$0/commands\" 4>\"$0/answers\"", folder.path,
        "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--no-first-run",
        "--force-color-profile=srgb",
        "--user-data-dir=\(folder.path("profile"))", "--window-size=\(width),\(height)",
        "--host-resolver-rules=MAP *.test 127.0.0.1", "about:blank",
      ], environment: ["HOME": folder.path])
    let target = try call("Target.createTarget", ["url": "about:blank"])["targetId"] as? String
    session =
      try call("Target.attachToTarget", ["targetId": target ?? "", "flatten": true])["sessionId"] as? String
    for domain in ["Page", "Runtime", "Log", "Network", "Audits", "Accessibility"] {
      try call("\(domain).enable")
    }
    try resize(width, height)
  }

  deinit {
    session = nil
    _ = try? call("Browser.close", within: .after(5))
    if (try? process.wait(.after(5))) == nil { process.signal(SIGKILL) }
    close(answers)
  }

  /// Adds an authority to the certificates of a user.
  private static func trust(_ authority: Authority, in database: String) throws {
    try FileManager.default.createDirectory(atPath: database, withIntermediateDirectories: true)
    let added = try Tools.run(
      "/usr/bin/certutil",
      [
        "-d", "sql:\(database)", "-A", "-t", "C,,", "-n", "tests", "--empty-password", "-i",
        authority.certificate,
      ])
    guard added.exit == .code(0) else { throw HarnessError.malformed("certutil: \(added.errors)") }
  }

  // MARK: The page

  func open(_ url: String) throws {
    if let refusal = try refusal(of: url) { throw HarnessError.malformed("\(url): \(refusal)") }
    try wait("document.readyState === 'complete' && location.href !== 'about:blank'")
  }

  /// Goes to a page; why the browser does not show it, in its words, or nil.
  func refusal(of url: String) throws -> String? {
    try call("Page.navigate", ["url": url])["errorText"] as? String
  }

  func resize(_ width: Int, _ height: Int, isPhone: Bool = false) throws {
    try call(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": isPhone])
  }

  /// What `prefers-color-scheme` says: `light` or `dark`.
  func prefer(_ scheme: String) throws {
    try call(
      "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": scheme]]])
  }

  /// From now on the browser's own dialog for a name and a password is answered so; without them it is cancelled.
  func answerSignIn(_ name: String? = nil, _ password: String = "") throws {
    signIn = name.map { ($0, password) }
    try call("Fetch.enable", ["handleAuthRequests": true])
  }

  /// Keeps what is downloaded in this folder, without asking.
  func keepDownloads(in folder: TemporaryFolder) throws {
    try call("Browser.setDownloadBehavior", ["behavior": "allow", "downloadPath": folder.path])
  }

  /// The value of an expression, which may be a promise.
  func value<Value>(_ expression: String, as type: Value.Type = Value.self) throws -> Value {
    let answer = try call(
      "Runtime.evaluate", ["expression": expression, "returnByValue": true, "awaitPromise": true])
    guard answer["exceptionDetails"] == nil,
      let value = (answer["result"] as? [String: Any])?["value"] as? Value
    else { throw HarnessError.malformed("\(expression) gives \(answer)") }
    return value
  }

  /// Does what a script says.
  func run(_ script: String) throws {
    try call("Runtime.evaluate", ["expression": script])
  }

  /// The text of the first element that fits the selector.
  func text(_ selector: String) throws -> String {
    try value("document.querySelector(\(Self.quoted(selector)))?.innerText ?? 'nothing like it'")
  }

  /// The texts of all elements that fit.
  func texts(_ selector: String) throws -> [String] {
    try value("[...document.querySelectorAll(\(Self.quoted(selector)))].map((node) => node.innerText)")
  }

  /// Waits until an expression is true.
  func wait(_ expression: String, _ deadline: Deadline = .after(10)) throws {
    // Between two documents there is nothing to ask.
    let isTrue = eventually(within: deadline) {
      (try? value("Boolean(\(expression))", as: Bool.self)) ?? false
    }
    guard isTrue else {
      let page = (try? value("document.body.innerText", as: String.self)) ?? "no page"
      throw HarnessError.deadline(
        "\(expression), on a page that says:\n\(page)\n\(complaints.joined(separator: "\n"))")
    }
  }

  /// Waits until the first element that fits has a text that contains this one.
  func wait(for text: String, in selector: String, _ deadline: Deadline = .after(10)) throws {
    try wait(
      "document.querySelector(\(Self.quoted(selector)))?.innerText.includes(\(Self.quoted(text)))", deadline)
  }

  /// Clicks where an element is, once it is there and can be.
  func click(_ selector: String) throws {
    let node = "document.querySelector(\(Self.quoted(selector)))"
    try wait("\(node)?.checkVisibility() && !\(node).disabled")
    let place: [Double] = try value(
      """
      (() => {
        const node = \(node);
        node.scrollIntoView({ block: "center", behavior: "instant" });
        const { x, y, width, height } = node.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
      })()
      """)
    for kind in ["mousePressed", "mouseReleased"] {
      try call(
        "Input.dispatchMouseEvent",
        ["type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1])
    }
  }

  enum Key: String {
    case tab = "Tab"
    case enter = "Enter"
    case escape = "Escape"
    case space = " "
    case left = "ArrowLeft"
    case up = "ArrowUp"
    case right = "ArrowRight"
    case down = "ArrowDown"

    var code: Int {
      switch self {
      case .tab: 9
      case .enter: 13
      case .escape: 27
      case .space: 32
      case .left: 37
      case .up: 38
      case .right: 39
      case .down: 40
      }
    }

    var text: String? {
      switch self {
      case .enter: "\r"
      case .space: " "
      case .tab, .escape, .left, .up, .right, .down: nil
      }
    }
  }

  func press(_ key: Key) throws {
    var event: [String: Any] = ["key": key.rawValue, "windowsVirtualKeyCode": key.code]
    event["type"] = "keyUp"
    var down = event
    down["type"] = key.text == nil ? "rawKeyDown" : "keyDown"
    down["text"] = key.text
    try call("Input.dispatchKeyEvent", down)
    try call("Input.dispatchKeyEvent", event)
  }

  func type(_ text: String) throws { try call("Input.insertText", ["text": text]) }

  /// What assistive technology is told: the role and the name of everything that is not left out.
  func accessible() throws -> [(role: String, name: String)] {
    let nodes = try call("Accessibility.getFullAXTree")["nodes"] as? [[String: Any]] ?? []
    return nodes.filter { $0["ignored"] as? Bool != true }.map { node in
      let text = { (name: String) in (node[name] as? [String: Any])?["value"] as? String ?? "" }
      return (text("role"), text("name"))
    }
  }

  /// A text as a literal of JavaScript.
  static func quoted(_ text: String) -> String {
    let data = try? JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed)
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }

  // MARK: The pipe

  @discardableResult
  private func call(
    _ method: String, _ parameters: [String: Any] = [:], within deadline: Deadline = .after(30)
  ) throws -> [String: Any] {
    let id = try send(method, parameters)
    while true {
      let answer = try receive(method, deadline)
      guard answer["id"] as? Int == id else { continue }
      if let error = answer["error"] { throw HarnessError.malformed("\(method): \(error)") }
      return answer["result"] as? [String: Any] ?? [:]
    }
  }

  /// Sends a command; its answer comes with this number.
  @discardableResult
  private func send(_ method: String, _ parameters: [String: Any]) throws -> Int {
    last += 1
    var message: [String: Any] = ["id": last, "method": method, "params": parameters]
    message["sessionId"] = session
    try commands.write(contentsOf: JSONSerialization.data(withJSONObject: message) + [0])
    return last
  }

  private func receive(_ method: String, _ deadline: Deadline) throws -> [String: Any] {
    var searched = 0
    while true {
      if let end = received[searched...].firstIndex(of: 0) {
        let message = try JSONSerialization.jsonObject(with: Data(received[..<end])) as? [String: Any] ?? [:]
        received.removeSubrange(...end)
        try note(message)
        return message
      }
      searched = received.count
      var waiting = pollfd(fd: answers, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, deadline.remainingMs) > 0 else {
        throw HarnessError.deadline(
          "Chromium's answer to \(method); it said:\n\(process.errors.all.suffix(20).joined(separator: "\n"))"
        )
      }
      var buffer = Bytes(repeating: 0, count: 64 << 10)
      let count = read(answers, &buffer, buffer.count)
      if count > 0 { received += buffer[..<count] }
    }
  }

  private func note(_ message: [String: Any]) throws {
    let parameters = message["params"] as? [String: Any] ?? [:]
    switch message["method"] as? String {
    case "Runtime.exceptionThrown":
      let details = parameters["exceptionDetails"] as? [String: Any] ?? [:]
      let exception = details["exception"] as? [String: Any]
      complaints.append("\(exception?["description"] ?? details)")
    case "Runtime.consoleAPICalled"
    where ["error", "warning", "assert"].contains(parameters["type"] as? String):
      let arguments = parameters["args"] as? [[String: Any]] ?? []
      complaints.append(arguments.map { "\($0["description"] ?? $0["value"] ?? $0)" }.joined(separator: " "))
    case "Log.entryAdded":
      let entry = parameters["entry"] as? [String: Any] ?? [:]
      guard ["error", "warning"].contains(entry["level"] as? String) else { break }
      complaints.append("\(entry["text"] ?? entry) \(entry["url"] ?? "")")
    case "Fetch.requestPaused":
      try send("Fetch.continueRequest", ["requestId": parameters["requestId"] ?? ""])
    case "Fetch.authRequired":
      let answer =
        signIn.map { ["response": "ProvideCredentials", "username": $0.name, "password": $0.password] }
        ?? ["response": "CancelAuth"]
      try send(
        "Fetch.continueWithAuth",
        ["requestId": parameters["requestId"] ?? "", "authChallengeResponse": answer])
    case "Audits.issueAdded": complaints.append("\(parameters)")
    case "Network.requestWillBeSent":
      let request = parameters["request"] as? [String: Any] ?? [:]
      requested.append(request["url"] as? String ?? "")
    case "Network.responseReceived":
      if let facts = (parameters["response"] as? [String: Any]).flatMap(Secured.init) {
        secured.append(facts)
      }
    default: break
    }
  }
}

extension Browser.Secured {
  /// Nil of what came without TLS.
  fileprivate init?(_ response: [String: Any]) {
    guard let details = response["securityDetails"] as? [String: Any] else { return nil }
    func text(_ value: Any?) -> String { value as? String ?? "" }
    self.init(
      url: text(response["url"]), state: text(response["securityState"]), version: text(details["protocol"]),
      subject: text(details["subjectName"]), issuer: text(details["issuer"]))
  }
}
