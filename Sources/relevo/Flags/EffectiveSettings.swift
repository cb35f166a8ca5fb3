import ArgumentParser
import Proxy

/// A value of a type that is not the flags' own, and has no description as its flag writes it.
protocol FlagValue {
  var flagText: String { get }
}

extension ListenAddress: FlagValue {}
extension OriginAddress: FlagValue {}

/// A property of a command that ArgumentParser fills.
private protocol ParsedProperty {
  var value: Any { get }
}

extension Option: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
}

extension Flag: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
}

extension OptionGroup: ParsedProperty {
  fileprivate var value: Any { wrappedValue }
}

extension ServeCommand {
  /// The flags and what they are worth, given or not: `--miss-ttl` is `60s`, nil where there is no value. Several values are
  /// written as in the flag's variable.
  ///
  /// Read from the command itself, so that no flag can be forgotten here.
  var settings: [String: String?] { Self.settings(of: self) }

  private static func settings(of command: Any) -> [String: String?] {
    var found: [String: String?] = [:]
    for child in Mirror(reflecting: command).children {
      guard let label = child.label, let property = child.value as? any ParsedProperty else { continue }
      if property.value is any ParsableArguments {
        found.merge(settings(of: property.value)) { $1 }
      } else {
        let name = flagName(label)
        // What asks for something else than serving is no setting.
        guard EnvironmentArguments.flags.contains(where: { "--\($0.name)" == name }) else { continue }
        found.updateValue(text(of: property.value, separator: separator(of: name)), forKey: name)
      }
    }
    return found
  }

  /// `_mapMaxURLs` is `--map-max-urls`.
  static func flagName(_ property: String) -> String {
    var name = "--"
    var wasSmall = false
    for character in property where character != "_" {
      if character.isUppercase, wasSmall { name += "-" }
      wasSmall = !character.isUppercase
      name += character.lowercased()
    }
    return name
  }

  /// What stands between several values of a flag in its variable.
  private static func separator(of name: String) -> String {
    switch EnvironmentArguments.flags.first(where: { "--\($0.name)" == name })?.values {
    case .lines: "\n"
    case .one, .several, .words, .onOrOff, .on, nil: " "
    }
  }

  /// As a flag would write it; nil for no value.
  private static func text(of value: Any, separator: String) -> String? {
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.flatMap { text(of: $0.value, separator: separator) }
    case .collection:
      let items = mirror.children.compactMap { text(of: $0.value, separator: separator) }
      return items.isEmpty ? nil : items.joined(separator: separator)
    default:
      if let value = value as? any FlagValue { return value.flagText }
      // A choice, as --map-key: its word is its raw value.
      if let choice = value as? any RawRepresentable { return "\(choice.rawValue)" }
      return "\(value)"
    }
  }
}
