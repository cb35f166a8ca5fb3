/// Prints one figure: what, how much, of what unit, with tabs between.
func report(_ what: String, _ unit: String, _ value: Double) {
  let text = value < 10 ? String(Int(value * 1000)) : String(Int(value * 10))
  let digits = value < 10 ? 3 : 1
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  print("\(what)\t\(padded.dropLast(digits)).\(padded.suffix(digits))\t\(unit)")
}
