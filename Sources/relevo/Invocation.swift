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
    var supplied: [SuppliedFlag] = []
    do {
      try Self.checkCommandName(arguments.first)
      try Self.checkMapSubcommand(arguments)
      var complete = arguments
      if let subcommand = Self.mapSubcommand(arguments), !Self.asksForHelp(arguments) {
        supplied = try EnvironmentArguments(
          environment, unlessIn: arguments, only: subcommand.flagsFromEnvironment
        ).supplied
        // Behind a `--` they would be URLs, and some flags would take the URLs behind them for their values.
        complete.insert(
          contentsOf: supplied.arguments, at: complete.firstIndex(of: "--") ?? complete.endIndex)
      } else if arguments.first == CheckCommand.configuration.commandName, !Self.asksForHelp(arguments) {
        supplied = try EnvironmentArguments(
          environment, unlessIn: arguments, only: CheckCommand.flagsFromEnvironment
        ).supplied
        complete += supplied.arguments
      } else if arguments.first == ServeCommand.configuration.commandName, !Self.asksForHelp(arguments) {
        supplied = try EnvironmentArguments(environment, unlessIn: arguments).supplied
        complete += supplied.arguments
      }
      var command = try Relevo.parseAsRoot(complete)
      if let path = (command as? ServeCommand)?.settingsSource.config {
        let given = EnvironmentArguments.given(on: arguments).union(supplied.map(\.flag.name))
        let file = try ConfigurationArguments(path: path.description, unless: given)
        supplied += file.supplied
        complete += file.supplied.arguments
        if let failure = file.firstBadOverriddenValue() {
          self = .refuse(failure)
          return
        }
        do {
          command = try Relevo.parseAsRoot(complete)
        } catch {
          guard let failure = file.firstBadValue() else { throw error }
          self = .refuse(failure)
          return
        }
      }
      if let serve = command as? ServeCommand {
        try serve.checkTogether(inheritsAdminSocket: SocketActivation.namesAdmin(environment))
        self = .run(serve)
      } else if let check = command as? CheckCommand {
        try check.checkTogether()
        self = .run(check)
      } else if command is DemoCommand || command is any MapSubcommand {
        self = .run(command)
      } else {
        // Everything else that can be parsed is a way to ask for a help page, and throws it.
        try command.run()
        self = .print(Relevo.helpMessage())
      }
    } catch let failure as CommandFailure {
      self = .refuse(Self.located(failure, supplied))
    } catch {
      let message = Relevo.message(for: error)
      if Relevo.exitCode(for: error).isSuccess {
        self = .print(message)
      } else {
        self = .refuse(
          Self.located(CommandFailure(Self.withHint(message, for: arguments), code: .usage), supplied))
      }
    }
  }

  /// The failure in the operator's own words: the names as he has written them, and the line of his file.
  private static func located(_ failure: CommandFailure, _ supplied: [SuppliedFlag]) -> CommandFailure {
    let sentence = supplied.namingAsWritten(in: failure.description)
    guard let place = supplied.place(in: failure.description) else {
      return CommandFailure(sentence, code: failure.code)
    }
    return CommandFailure("\(place): \(sentence)", code: .configuration)
  }

  /// The subcommand of `relevo map` that the command line names.
  private static func mapSubcommand(_ arguments: [String]) -> (any MapSubcommand.Type)? {
    guard arguments.first == MapCommand.configuration.commandName, arguments.count > 1 else { return nil }
    return MapCommand.subcommand(named: arguments[1])
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
    } else if first != "help", !Relevo.configuration.subcommands.contains(where: { $0._commandName == first })
    {
      throw CommandFailure(
        "there is no command '\(first)': write relevo serve, relevo check, relevo map or relevo demo; relevo --help explains",
        code: .usage)
    }
  }

  /// The same slips one word further on.
  private static func checkMapSubcommand(_ arguments: [String]) throws(CommandFailure) {
    guard arguments.first == MapCommand.configuration.commandName, arguments.count > 1 else { return }
    let word = arguments[1]
    guard !asksForHelp(arguments), MapCommand.subcommand(named: word) == nil else { return }
    if word.hasPrefix("-") {
      let flag = word.prefix { $0 != "=" }
      throw CommandFailure(
        "\(flag) comes after the subcommand: relevo map list \(flag) …; relevo map --help lists them",
        code: .usage)
    }
    throw CommandFailure(
      "there is no subcommand '\(word)' of relevo map: relevo map --help lists them", code: .usage)
  }

  private static func withHint(_ message: String, for arguments: [String]) -> String {
    guard message.hasPrefix("Unknown option"), !message.contains("Did you mean") else { return message }
    let command = mapSubcommand(arguments) == nil ? arguments.prefix(1) : arguments.prefix(2)
    return message + ": relevo \(command.joined(separator: " ")) --help lists the flags"
  }
}
