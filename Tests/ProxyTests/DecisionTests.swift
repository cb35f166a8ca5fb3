import HTTP1
import Testing

@testable import Proxy

/// The design's table of what a request does, a case for each row and each fact that changes it.
@Suite("the table of decisions")
struct DecisionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var step: Step
    var statuses: [UInt16]
    var verdict: Verdict
    var softMiss: [SoftMiss] = [.no, .possible]
    var canBeRepeated: [Bool] = either
    var isKnownDoubleMiss: [Bool] = either
    var methodTeaches: [Bool] = either
    var redirectUse: [RedirectUse] = [.never]

    var testDescription: String { "\(step), \(statuses): \(verdict)" }

    /// Every combination of what the case allows.
    var facts: [AnswerFacts] {
      var all: [AnswerFacts] = []
      for status in statuses {
        for softMiss in softMiss {
          for repeats in canBeRepeated {
            for known in isKnownDoubleMiss {
              for teaches in methodTeaches {
                for use in redirectUse {
                  all.append(
                    AnswerFacts(
                      status: status, softMiss: softMiss, requestCanBeRepeated: repeats,
                      isKnownDoubleMiss: known, redirectUse: use, methodTeaches: teaches))
                }
              }
            }
          }
        }
      }
      return all
    }
  }

  private static let either = [true, false]
  private static let misses: [UInt16] = [404]
  private static let oldMisses: [UInt16] = [404, 410]
  private static let learned: [UInt16] = [200, 201, 204, 206, 299, 300, 301, 302, 304, 307, 308, 399, 401]
  private static let otherRefusals: [UInt16] = [400, 402, 403, 405, 409, 411, 416, 429, 499]
  private static let errors: [UInt16] = [500, 502, 503, 504, 599]

  static let firstOfNew: [Case] = [
    Case(step: .newFirst, statuses: learned + otherRefusals + [410] + errors, verdict: .deliver(.none)),
    Case(
      step: .newFirst, statuses: misses, verdict: .holdAndAskOld(renews: false), canBeRepeated: [true],
      isKnownDoubleMiss: [false]),
    Case(step: .newFirst, statuses: misses, verdict: .deliverDoubleMiss, isKnownDoubleMiss: [true]),
    Case(
      step: .newFirst, statuses: misses, verdict: .deliverUnrepeatable, canBeRepeated: [false],
      isKnownDoubleMiss: [false]),
  ]

  static let recheck: [Case] = [
    Case(
      step: .recheck, statuses: learned.filter { $0 < 400 }, verdict: .deliver(.migrated),
      methodTeaches: [true]),
    Case(
      step: .recheck, statuses: learned.filter { $0 < 400 }, verdict: .deliver(.none),
      methodTeaches: [false]),
    Case(step: .recheck, statuses: [401, 410] + otherRefusals, verdict: .deliver(.none)),
    Case(step: .recheck, statuses: errors, verdict: .dropAndAskOld, canBeRepeated: [true]),
    Case(step: .recheck, statuses: errors, verdict: .deliver(.none), canBeRepeated: [false]),
    Case(
      step: .recheck, statuses: misses, verdict: .holdAndAskOld(renews: true), canBeRepeated: [true]),
    Case(step: .recheck, statuses: misses, verdict: .deliverUnrepeatable, canBeRepeated: [false]),
  ]

  static let oldAfterMiss: [Case] = either.flatMap { renews -> [Case] in
    let step = Step.oldAfterMiss(renews: renews)
    return [
      Case(
        step: step, statuses: learned, verdict: .deliver(.learn), softMiss: [.no], methodTeaches: [true]),
      Case(step: step, statuses: learned, verdict: .deliver(.none), softMiss: [.possible]),
      Case(step: step, statuses: learned, verdict: .deliver(.none), methodTeaches: [false]),
      Case(
        step: step, statuses: learned, verdict: .dropAndDeliverHeld(.bothMissed(forget: renews)),
        softMiss: [.certain], methodTeaches: [true]),
      Case(step: step, statuses: otherRefusals, verdict: .deliver(.none)),
      Case(
        step: step, statuses: errors, verdict: renews ? .deliver(.none) : .dropAndDeliverHeld(.oldFailed)),
      Case(
        step: step, statuses: oldMisses, verdict: .dropAndDeliverHeld(.bothMissed(forget: renews)),
        methodTeaches: [true]),
      Case(
        step: step, statuses: oldMisses, verdict: .dropAndDeliverHeld(.bothMissed(forget: false)),
        methodTeaches: [false]),
    ]
  }

  static let byMap: [Case] = [
    Case(step: .oldByMap, statuses: learned + otherRefusals + errors, verdict: .deliver(.none)),
    Case(
      step: .oldByMap, statuses: oldMisses, verdict: .dropAndAskNew(.forget), canBeRepeated: [true],
      methodTeaches: [true]),
    Case(
      step: .oldByMap, statuses: learned, verdict: .dropAndAskNew(.forget), softMiss: [.certain],
      canBeRepeated: [true], methodTeaches: [true]),
    Case(
      step: .oldByMap, statuses: learned, verdict: .deliver(.forget), softMiss: [.certain],
      canBeRepeated: [false], methodTeaches: [true]),
    Case(
      step: .oldByMap, statuses: oldMisses, verdict: .dropAndAskNew(.none), canBeRepeated: [true],
      methodTeaches: [false]),
    Case(
      step: .oldByMap, statuses: oldMisses, verdict: .deliver(.forget), canBeRepeated: [false],
      methodTeaches: [true]),
    Case(
      step: .oldByMap, statuses: oldMisses, verdict: .deliver(.none), canBeRepeated: [false],
      methodTeaches: [false]),
    Case(
      step: .newAfterOldMiss, statuses: learned + oldMisses + otherRefusals + errors,
      verdict: .deliver(.none)),
    Case(
      step: .newAfterOldFailure, statuses: learned + [410] + otherRefusals + errors, verdict: .deliver(.none)),
    Case(step: .newAfterOldFailure, statuses: misses, verdict: .dropAndAnswerUnavailable),
    Case(
      step: .newOnly, statuses: learned + oldMisses + otherRefusals + errors, verdict: .deliver(.none)),
  ]

  static let withoutMap: [Case] =
    [Step.oldByRule, .oldByReferer].flatMap { step in
      [
        Case(step: step, statuses: learned + otherRefusals + errors, verdict: .deliver(.none)),
        Case(step: step, statuses: oldMisses, verdict: .dropAndAskNew(.none), canBeRepeated: [true]),
        Case(step: step, statuses: oldMisses, verdict: .deliver(.none), canBeRepeated: [false]),
        Case(
          step: step, statuses: learned, verdict: .dropAndAskNew(.none), softMiss: [.certain],
          canBeRepeated: [true]),
      ]
    } + [
      Case(
        step: .newByRule, statuses: learned + oldMisses + otherRefusals + errors, verdict: .deliver(.none))
    ]

  static let standby: [Case] = [nil, OriginFailure.timeout].flatMap { failure -> [Case] in
    let step = Step.oldAsStandby(for: failure)
    return [
      Case(step: step, statuses: [200, 204, 206, 304, 401], verdict: .deliver(.none)),
      Case(step: step, statuses: [300, 301, 302, 307, 308, 399], verdict: .deliver(.none), softMiss: [.no]),
      Case(
        step: step, statuses: [301, 302, 307, 308], verdict: .dropAndAnswerForNew(.refused),
        softMiss: [.possible]),
      Case(step: step, statuses: otherRefusals, verdict: .dropAndAnswerForNew(.refused)),
      Case(step: step, statuses: errors, verdict: .dropAndAnswerForNew(.failed)),
      Case(step: step, statuses: oldMisses, verdict: .dropAndAnswerForNew(.missed)),
      Case(step: step, statuses: learned, verdict: .dropAndAnswerForNew(.missed), softMiss: [.certain]),
    ]
  }

  static let redirecting: [Case] =
    [
      Case(
        step: .newFirst, statuses: misses, verdict: .holdAndProbeOld(renews: false), canBeRepeated: [true],
        isKnownDoubleMiss: [false], redirectUse: [.unlessAsked, .always]),
      Case(
        step: .newFirst, statuses: misses, verdict: .deliverUnrepeatable, canBeRepeated: [false],
        isKnownDoubleMiss: [false], redirectUse: [.unlessAsked, .always]),
      Case(
        step: .recheck, statuses: misses, verdict: .holdAndProbeOld(renews: true), canBeRepeated: [true],
        redirectUse: [.unlessAsked, .always]),
    ]
    + either.flatMap { renews -> [Case] in
      let (probe, asked) = (Step.probeOld(renews: renews), Step.oldAfterMiss(renews: renews))
      return [
        Case(
          step: probe, statuses: learned, verdict: .dropAndRedirect(.learn), softMiss: [.no],
          methodTeaches: [true],
          redirectUse: [.unlessAsked, .always]),
        Case(
          step: probe, statuses: learned, verdict: .dropAndAskOldItself(renews: renews), softMiss: [.possible]
        ),
        Case(step: probe, statuses: otherRefusals + [501], verdict: .dropAndAskOldItself(renews: renews)),
        Case(
          step: probe, statuses: oldMisses + learned,
          verdict: .dropAndDeliverHeld(.bothMissed(forget: renews)),
          softMiss: [.certain], methodTeaches: [true]),
        Case(
          step: probe, statuses: errors,
          verdict: renews ? .dropAndRedirect(.none) : .dropAndDeliverHeld(.oldFailed)),
        Case(
          step: asked, statuses: learned, verdict: .dropAndRedirect(.learn), softMiss: [.no],
          methodTeaches: [true], redirectUse: [.always]),
        Case(
          step: asked, statuses: learned, verdict: .deliver(.learn), softMiss: [.no], methodTeaches: [true],
          redirectUse: [.unlessAsked]),
        Case(
          step: asked, statuses: otherRefusals, verdict: .deliver(.none), redirectUse: RedirectUse.allCases),
        Case(
          step: asked, statuses: errors,
          verdict: renews ? .dropAndRedirect(.none) : .dropAndDeliverHeld(.oldFailed), redirectUse: [.always]),
      ]
    }

  @Test(
    "where clients are sent to the old site, HEAD proves a page, and nothing less does",
    arguments: redirecting)
  func redirects(_ one: Case) throws { Self.expectVerdict(one, of: try Self.table()) }

  private static func table(
    fallbackOn: String = "404", learnOn: String = "2xx,3xx,401", oldMissOn: String = "404,410"
  ) throws -> DecisionTable {
    DecisionTable(
      fallbackOn: try StatusSet(parsing: fallbackOn), learnOn: try StatusSet(parsing: learnOn),
      oldMissOn: try StatusSet(parsing: oldMissOn))
  }

  private static func expectVerdict(_ one: Case, of table: DecisionTable) {
    var wrong: [(AnswerFacts, Verdict)] = []
    for facts in one.facts {
      let verdict = table.verdict(on: facts, at: one.step)
      if verdict != one.verdict { wrong.append((facts, verdict)) }
    }
    #expect(!one.facts.isEmpty)
    #expect(wrong.isEmpty)
  }

  @Test("the new pool is asked first: what is no miss goes out, a miss is held", arguments: firstOfNew)
  func newFirst(_ one: Case) throws { Self.expectVerdict(one, of: try Self.table()) }

  @Test(
    "a URL learned long ago: the new pool's page ends the detour, its miss or its failure goes on to the old server",
    arguments: recheck)
  func rechecks(_ one: Case) throws { Self.expectVerdict(one, of: try Self.table()) }

  @Test(
    "the old server after a miss: a page is learned, a miss or an error shows the held one",
    arguments: oldAfterMiss)
  func asksOldAfterMiss(_ one: Case) throws { Self.expectVerdict(one, of: try Self.table()) }

  @Test(
    "a URL in the map: the old server's word goes, its miss and its absence lead to the new pool",
    arguments: byMap)
  func asksOldByMap(_ one: Case) throws { Self.expectVerdict(one, of: try Self.table()) }

  @Test(
    "a URL that a rule or its page gives to a site teaches nothing, and what old misses new is asked for",
    arguments: withoutMap)
  func asksWithoutMap(_ one: Case) throws { Self.expectVerdict(one, of: try Self.table()) }

  @Test(
    "in the new pool's place the old server gives what it has, and no word on what it has not",
    arguments: standby)
  func standsIn(_ one: Case) throws { Self.expectVerdict(one, of: try Self.table()) }

  static let withOtherSets: [Case] = [
    Case(
      step: .newFirst, statuses: [404, 410], verdict: .holdAndAskOld(renews: false),
      canBeRepeated: [true], isKnownDoubleMiss: [false]),
    Case(
      step: .newFirst, statuses: [503], verdict: .holdAndAskStandby, canBeRepeated: [true],
      isKnownDoubleMiss: [false], redirectUse: RedirectUse.allCases),
    Case(
      step: .newFirst, statuses: [503], verdict: .deliverUnrepeatable, canBeRepeated: [false],
      isKnownDoubleMiss: [false]),
    Case(step: .newFirst, statuses: [503], verdict: .deliver(.none), isKnownDoubleMiss: [true]),
    Case(step: .newFirst, statuses: [403, 500, 200], verdict: .deliver(.none)),
    Case(step: .newAfterOldFailure, statuses: [503, 410], verdict: .dropAndAnswerUnavailable),
    Case(
      step: .oldAfterMiss(renews: false), statuses: [403, 500, 404],
      verdict: .dropAndDeliverHeld(.bothMissed(forget: false))),
    Case(step: .oldAfterMiss(renews: false), statuses: [501], verdict: .dropAndDeliverHeld(.oldFailed)),
    Case(
      step: .oldAfterMiss(renews: false), statuses: [200, 418], verdict: .deliver(.learn),
      softMiss: [.no], methodTeaches: [true]),
    Case(step: .oldAfterMiss(renews: false), statuses: [201, 302, 410], verdict: .deliver(.none)),
    Case(
      step: .oldByMap, statuses: [403, 500], verdict: .dropAndAskNew(.forget), canBeRepeated: [true],
      methodTeaches: [true]),
    Case(step: .oldByMap, statuses: [410, 503], verdict: .deliver(.none)),
  ]

  @Test(
    "the operator's sets say what misses and what is learned; a miss goes before both",
    arguments: withOtherSets)
  func followsSets(_ one: Case) throws {
    let table = try Self.table(
      fallbackOn: "404,410,503", learnOn: "200,403,418,5xx", oldMissOn: "403,404,500")
    Self.expectVerdict(one, of: table)
  }

  @Test("only the steps that name it ask the old server")
  func asksOld() {
    #expect(
      Step.oldByMap.asksOld && Step.oldAsStandby(for: nil).asksOld && Step.probeOld(renews: true).asksOld
        && Step.oldAfterMiss(renews: true).asksOld)
    for step: Step in [.newFirst, .recheck, .newAfterOldMiss, .newAfterOldFailure, .newOnly, .newByRule] {
      #expect(!step.asksOld)
    }
  }
}
