public struct StatusSet: Sendable {}
