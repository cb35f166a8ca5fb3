/// How late a loop is: how long after its time a timer of the loop fires.
///
/// The timer fires at even distances, from the last time that it should have fired. libevent's clock and this one are not
/// read at the same instant: the earliest that the timer was ever seen counts as its time.
struct LoopLag {
  let everyUs: UInt64
  private var dueUs: UInt64

  init(everyUs: UInt64, nowUs: UInt64) {
    self.everyUs = everyUs
    dueUs = nowUs &+ everyUs
  }

  /// The timer has fired; by how many microseconds it was late.
  mutating func fired(nowUs: UInt64) -> UInt64 {
    let lateUs = nowUs.since(dueUs)
    // A turn or more behind, the timer begins anew.
    dueUs = (lateUs >= everyUs ? nowUs : min(dueUs, nowUs)) &+ everyUs
    return lateUs
  }
}
