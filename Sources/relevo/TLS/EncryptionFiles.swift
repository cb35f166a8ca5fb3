import Glibc
import Logging
import Proxy
import TLS

/// The files that TLS is made of: read at the start and at each reload. Its keys of tickets and its key log stay.
struct EncryptionFiles: Sendable {
  private let ticketKeys = TicketKeys()
  private let keyLog: KeyLog?
  private let logger: Logger

  /// Certificates are warned of that end within this time.
  private static let soonSeconds = 14 * 24 * 3600

  /// - Parameter keyLog: the path of the file for secrets; nil for none.
  /// - Throws: ``CommandFailure`` when it can't be used.
  init(keyLog path: String?, logger: Logger) throws(CommandFailure) {
    self.logger = logger
    guard let path else {
      keyLog = nil
      return
    }
    do throws(TLSError) {
      keyLog = try KeyLog(path: path)
    } catch {
      throw CommandFailure("--tls-keylog: \(error)", code: .configuration)
    }
    logger.warning(
      "the secrets of all TLS connections are written to \(path): whoever has it can read captured traffic; leave --tls-keylog out when you are done"
    )
  }

  /// Reads what the flags of a command name, and warns of what will be no good.
  ///
  /// - Throws: ``CommandFailure`` when one can't be used.
  func read(_ command: ServeCommand) throws(CommandFailure) -> Encryption {
    let encryption = try Self.read(command, ticketKeys: ticketKeys, keyLog: keyLog)
    for facts in encryption.certificates { warn(of: facts) }
    if command.originTLS.originTlsInsecure {
      logger.warning(
        "--origin-tls-insecure: any certificate of the origins is taken, so whoever is between can read and change everything"
      )
    }
    return encryption
  }

  /// Reads the files as a start would, for what is wrong with them.
  ///
  /// - Throws: ``CommandFailure`` saying that.
  static func check(_ command: ServeCommand) throws(CommandFailure) {
    _ = try read(command, ticketKeys: TicketKeys(), keyLog: nil)
  }

  private static func read(
    _ command: ServeCommand, ticketKeys: TicketKeys, keyLog: KeyLog?
  ) throws(CommandFailure) -> Encryption {
    do throws(TLSError) {
      var encryption = Encryption()
      if let clients = command.tls.clients(offersHTTP2: command.http2.http2, keyLog: keyLog) {
        encryption.clients = try TLSServerContext(clients, ticketKeys: ticketKeys)
      }
      encryption.origins = try command.originTLS.context(
        for: command.origins.new + command.origins.old, keyLog: keyLog)
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
        "the certificate in \(facts.path) has expired on \(day): it will be refused; renew it, then SIGHUP")
    } else if facts.isTooEarly(at: now) {
      logger.warning(
        "the certificate in \(facts.path) is not valid before \(CertificateFacts.day(facts.notBefore)): see to this machine's clock"
      )
    } else if facts.hasExpired(at: now + Self.soonSeconds) {
      logger.warning("the certificate in \(facts.path) expires on \(day): renew it, then SIGHUP")
    }
  }
}
