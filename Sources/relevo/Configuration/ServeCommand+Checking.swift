import Admin

extension ServeCommand {
  /// What `--check-config` does: all that a start looks at before it binds an address, takes the map file or asks a name server.
  ///
  /// - Throws: ``CommandFailure``: why serve could not start.
  func checkSettings() throws {
    _ = try proxyConfiguration(descriptors: .current())
    try EncryptionFiles.check(self)
    let plane = try admin.configuration(on: admin.admin)
    do throws(AdminStartError) {
      try plane.check()
    } catch {
      throw CommandFailure(error)
    }
    StandardStream.output.write(
      "relevo: the configuration is valid\(settingsSource.config.map { ": \($0)" } ?? "")\n")
  }
}
