import ArgumentParser

/// What a command line and an environment ask for.
enum Invocation {
  /// A help page or the version, for standard output.
  case print(String)
  /// Something is wrong with them; nothing has been started.
  case refuse(CommandFailure)
  /// A command whose flags are all checked.
  case run(any ParsableCommand)

  /// - Parameter arguments: without the program's name.
  init(arguments: [String], environment: [String: String]) {
    var fromEnvironment = EnvironmentArguments()
    do {
      try Self.checkCommandName(arguments.first)
      if arguments.first == ServeCommand.configuration.commandName, !Self.asksForHelp(arguments) {
        fromEnvironment = try EnvironmentArguments(environment, unlessIn: arguments)
      }
      var command = try Relevo.parseAsRoot(arguments + fromEnvironment.arguments)
      if let serve = command as? ServeCommand {
        try serve.checkTogether()
        self = .run(serve)
      } else if command is DemoCommand {
        self = .run(command)
      } else {
        // Everything else that can be parsed is a way to ask for a help page, and throws it.
        try command.run()
        self = .print(Relevo.helpMessage())
      }
    } catch let failure as CommandFailure {
      self = .refuse(
        CommandFailure(fromEnvironment.namingVariables(in: failure.description), code: failure.code))
    } catch {
      let message = Relevo.message(for: error)
      if Relevo.exitCode(for: error).isSuccess {
        self = .print(message)
      } else {
        self = .refuse(
          CommandFailure(fromEnvironment.namingVariables(in: Self.withHint(message)), code: .usage))
      }
    }
  }

  private static func asksForHelp(_ arguments: [String]) -> Bool {
    arguments.contains("--help") || arguments.contains("-h")
  }

  /// The two slips that ArgumentParser has no good sentence for.
  private static func checkCommandName(_ first: String?) throws(CommandFailure) {
    guard let first, !first.isEmpty else { return }
    if first.hasPrefix("-") {
      let flag = first.prefix { $0 != "=" }
      if EnvironmentArguments.flags.contains(where: { "--\($0.name)" == flag || "--no-\($0.name)" == flag }) {
        throw CommandFailure(
          "\(flag) comes after the command: relevo serve \(flag) …; relevo --help explains", code: .usage)
      }
    } else if !["serve", "demo", "help"].contains(first) {
      throw CommandFailure(
        "there is no command '\(first)': write relevo serve or relevo demo; relevo --help explains both",
        code: .usage)
    }
  }

  private static func withHint(_ message: String) -> String {
    let hintless = message.hasPrefix("Unknown option") && !message.contains("Did you mean")
    return hintless ? message + ": relevo serve --help lists the flags" : message
  }
}
