import ArgumentParser

/// Where the flags come from.
struct ConfigurationFlags: ParsableArguments {
  static let configName = "config"

  @Option(
    help: .flag(
      "Read flags from this file too: YAML, a line each as in old: http://10.0.0.9, several values as a list, switches as true or false. The command line wins over the environment, the environment over the file.",
      value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var config: PathArgument?

  @Flag(
    help:
      "Say whether serve could start with these flags, variables and files, and do nothing else. Exit code 0, or 64 or 78 and why not. (default: off)"
  )
  var checkConfig = false
}
