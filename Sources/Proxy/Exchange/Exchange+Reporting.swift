import EventLoop
import HTTP1

extension Exchange {
  /// Tells the operator of an event that this request met.
  func report(_ event: ReportedEvent, at server: OriginServer?, _ cause: String) {
    let url = unsafe String(decoding: client.input.readable[head.pathAndQuery.range], as: UTF8.self)
    worker.report(event, at: server, cause, url: url)
  }

  /// Keeps what neither site has among the newest of its kind.
  func keepMiss(_ reason: MissReason, nowUs: UInt64) {
    guard let misses = worker.metrics.recent?.misses else { return }
    describeHead()
    let input = unsafe client.input.readable
    let referer = worker.requestFields.first(.referer)?.value.range
    let facts = RecentMisses.Facts(
      at: worker.wallClock.seconds, newStatus: record.new?.answered, oldStatus: record.old?.answered,
      reason: reason)
    unsafe misses.keep(
      facts, atUs: nowUs, method: input[head.methodName.range], host: input[head.authority.range],
      url: input[head.pathAndQuery.range], referer: referer.map { unsafe input[$0] })
  }
}

extension AccessRecord.Attempt {
  /// The answer's status; nil when none came.
  var answered: UInt16? { status == 0 ? nil : status }
}
