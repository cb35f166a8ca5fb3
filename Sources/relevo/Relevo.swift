import ArgumentParser
import Glibc

/// The command: `relevo serve`, `relevo map`, `relevo demo`, and the pages that explain them.
@main
struct Relevo: ParsableCommand {
  static let versionNumber = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "relevo",
    abstract: "Runs a new website in front of the old one that it replaces, page by page.",
    usage:
      "relevo serve --new URL... --old URL... [flags]\nrelevo map SUBCOMMAND --map-file FILE\nrelevo check --new URL... --old URL...\nrelevo demo [--port PORT]",
    discussion: HelpPages.relevo,
    version: "relevo \(versionNumber)",
    subcommands: [ServeCommand.self, CheckCommand.self, MapCommand.self, DemoCommand.self])

  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch Invocation(arguments: arguments, environment: ProcessEnvironment.variables) {
    case .print(let page):
      StandardStream.output.write(page.hasSuffix("\n") ? page : page + "\n")
    case .refuse(let failure):
      failure.exit()
    case .run(var command):
      do {
        try command.run()
      } catch let failure as CommandFailure {
        failure.exit()
      } catch let code as ExitCode {
        Glibc.exit(code.rawValue)
      } catch {
        CommandFailure("\(error)", code: .unavailable).exit()
      }
    }
  }
}
