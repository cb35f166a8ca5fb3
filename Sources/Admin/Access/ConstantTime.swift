enum ConstantTime {
  /// Whether both are the same, in a time that depends on the length of `given` alone: whoever gives it learns nothing of
  /// where it goes wrong.
  static func equal(_ given: [UInt8], _ secret: [UInt8]) -> Bool {
    var difference = given.count ^ secret.count
    for index in given.indices {
      let other = secret.isEmpty ? 0 : secret[index % secret.count]
      difference |= Int(given[index] ^ other)
    }
    return difference == 0
  }
}
