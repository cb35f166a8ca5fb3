import Glibc
import Logging
import Proxy
import TLS

/// The files that TLS is made of: read at the start and when told to, and told of in the log.
struct EncryptionFiles: Sendable {
  private let clients: TLSServerConfiguration?
  /// Nil where no origin is spoken to over TLS.
  private let origins: TLSClientConfiguration?
  private let ticketKeys = TicketKeys()
  private let logger: Logger

  /// Certificates are warned of that end within this time.
  private static let soonSeconds = 14 * 24 * 3600

  init(
    clients flags: TLSFlags, origins originFlags: OriginTLSFlags, of origins: [OriginAddress], logger: Logger
  ) throws(CommandFailure) {
    self.logger = logger
    var keyLog: KeyLog?
    if let path = flags.tlsKeylog?.description {
      do throws(TLSError) {
        keyLog = try KeyLog(path: path)
      } catch {
        throw CommandFailure("--tls-keylog: \(error)", code: .configuration)
      }
      logger.warning(
        "the secrets of all TLS connections are written to \(path): whoever has it can read captured traffic; leave --tls-keylog out when you are done"
      )
    }
    clients = flags.clients(keyLog: keyLog)
    self.origins = origins.contains { $0.isSecure } ? originFlags.configuration(keyLog: keyLog) : nil
    if self.origins?.isInsecure == true {
      logger.warning(
        "--origin-tls-insecure: any certificate of the origins is taken, so whoever is between can read and change everything"
      )
    }
  }

  /// Reads the files as a start would, for what is wrong with them.
  ///
  /// - Throws: ``CommandFailure`` saying that.
  static func check(
    clients: TLSFlags, origins: OriginTLSFlags, of servers: [OriginAddress]
  ) throws(CommandFailure) {
    do throws(TLSError) {
      if let configuration = clients.clients(keyLog: nil) {
        _ = try TLSServerContext(configuration, ticketKeys: TicketKeys())
      }
      if servers.contains(where: \.isSecure) { _ = try TLSClientContext(origins.configuration(keyLog: nil)) }
    } catch {
      throw CommandFailure(error.description, code: .configuration)
    }
  }

  /// Whether there is anything to read.
  var isEmpty: Bool { clients == nil && origins == nil }

  /// Reads the files.
  func read() throws(CommandFailure) -> Encryption {
    do throws(TLSError) {
      let encryption = Encryption(
        clients: try clients.map { clients throws(TLSError) in
          try TLSServerContext(clients, ticketKeys: ticketKeys)
        },
        origins: try origins.map { origins throws(TLSError) in try TLSClientContext(origins) })
      for facts in (encryption.clients?.facts ?? []) + [encryption.origins?.facts].compactMap(\.self) {
        warn(of: facts)
      }
      return encryption
    } catch {
      throw CommandFailure(error.description, code: .configuration)
    }
  }

  private func warn(of facts: CertificateFacts) {
    let now = time(nil)
    let day = CertificateFacts.day(facts.notAfter)
    if facts.hasExpired(at: now) {
      logger.warning(
        "the certificate in \(facts.path) has expired on \(day): clients will refuse it; renew it, then SIGHUP"
      )
    } else if facts.isTooEarly(at: now) {
      logger.warning(
        "the certificate in \(facts.path) is not valid before \(CertificateFacts.day(facts.notBefore)): see to this machine's clock"
      )
    } else if facts.hasExpired(at: now + Self.soonSeconds) {
      logger.warning("the certificate in \(facts.path) expires on \(day): renew it, then SIGHUP")
    }
  }

  /// What SIGHUP does: the files are read again, and one that is broken changes nothing.
  func reload(into server: ProxyServer) {
    if isEmpty { return }
    do throws(CommandFailure) {
      server.replaceEncryption(try read())
      logger.info("SIGHUP: the certificates were read again, and are in use for new connections")
    } catch {
      logger.error("SIGHUP: \(error.description); the certificates in use stay")
    }
  }
}
