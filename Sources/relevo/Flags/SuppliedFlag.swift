/// A flag that a variable or a file gives in place of the command line.
struct SuppliedFlag {
  let flag: EnvironmentArguments.Flag
  /// What it stands for, to be appended to the command line; none for a switch that stays off.
  let arguments: [String]
  /// As the operator has written it: `RELEVO_NEW`, or `new` in a file.
  let writtenName: String
  /// `FILE:LINE`; nil for a variable.
  let place: String?
}

extension [SuppliedFlag] {
  var arguments: [String] { flatMap(\.arguments) }

  /// Says the name that the operator has written where an error message names one of these flags.
  func namingAsWritten(in message: String) -> String {
    reduce(message) { message, supplied in
      let parserStyle = message.replacing(/'--([a-z0-9-]+) <[^>]*>'/) { match in
        match.1 == supplied.flag.name ? supplied.writtenName : String(match.0)
      }
      return parserStyle.replacing(/--([a-z0-9-]+)/) { match in
        match.1 == supplied.flag.name ? supplied.writtenName : String(match.0)
      }
    }
  }

  /// Where the first of these flags stands that an error message names; nil when it stands on no line.
  func place(in message: String) -> String? {
    for match in message.matches(of: /--([a-z0-9-]+)/) {
      if let named = first(where: { $0.flag.name == match.1 }) { return named.place }
    }
    return nil
  }
}
