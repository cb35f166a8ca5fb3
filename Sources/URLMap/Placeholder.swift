public enum MapKey: Sendable { case pathAndQuery, path }
