internal import ClickHouse
internal import Domain

/// The widgets of one view and how they are asked: each step is a statement for one widget or for several.
///
/// ```swift
/// let view = ViewPlan(plans, data: data, known: known)
/// for step in view.steps { for (index, result) in await executor.run(step) { … } }
/// ```
public struct ViewPlan: Sendable {
  /// What is asked at once.
  public struct Step: Sendable {
    /// The widgets that it answers, by their places in the view.
    public let widgets: [Int]
    /// One that answers all of them; nil for a widget that is asked by its own statements.
    public var statement: Statement? { scan?.statement }
    let plans: [Plan]
    let scan: FusedScan?
    let known: KnownDimensions?
  }

  public let steps: [Step]

  /// - Parameters:
  ///   - plans: of one scope.
  ///   - data: how many events there are; without it the tenant is taken for a large one.
  ///   - known: what earlier answers have shown of dimensions.
  public init(_ plans: [Plan], data: TenantData? = nil, known: KnownDimensions? = nil) {
    let scope = plans.first?.scope
    let fusion = Fusion(
      events: { spans in
        guard let data else { return nil }
        let from = spans.map(\.from).min() ?? Instant(milliseconds: 0)
        let to = spans.map(\.to).max() ?? from
        return data.events(in: TimeRange(from: from, to: to))
      },
      values: { dimension in scope.flatMap { known?.count(of: dimension, in: $0) } })
    steps = fusion.steps(of: plans).map { step in
      switch step {
      case .alone(let index): Step(widgets: [index], plans: [plans[index]], scan: nil, known: known)
      case .fused(let scan, let indices): Step(widgets: indices, plans: indices.map { plans[$0] }, scan: scan, known: known)
      }
    }
  }
}

extension Executor {
  /// Answers the widgets of a step. One that fails for several widgets is asked again for each, so that what is wrong with one of them
  /// stays its own.
  ///
  /// Each result is handed over as soon as it is there, by its widget's place in the view.
  public func run(
    _ step: ViewPlan.Step, _ deliver: @escaping @Sendable (Int, Result<QueryResult, any Error>) async -> Void
  ) async {
    if let scan = step.scan {
      let clock = ContinuousClock()
      let start = clock.now
      do {
        let rows = try await rows(of: [scan.statement], role: step.plans[0].scope.role).first?.rows ?? []
        let elapsed = (clock.now - start) / .milliseconds(1)
        for (place, groups) in scan.groups(of: rows).enumerated() {
          let plan = step.plans[place]
          guard let part = plan.kind as? any Fusible else { continue }
          let result = ResultShaper.shape(plan, part.answers(of: groups), elapsedMilliseconds: elapsed)
          step.note(result, of: plan)
          await deliver(step.widgets[place], .success(result))
        }
        return
      } catch let error where !Self.mayBeTheScans(error) {
        for widget in step.widgets { await deliver(widget, .failure(error)) }
        return
      } catch {}
    }
    await withTaskGroup(of: Void.self) { group in
      for (widget, plan) in zip(step.widgets, step.plans) {
        group.addTask {
          do {
            let result = try await run(plan)
            step.note(result, of: plan)
            await deliver(widget, .success(result))
          } catch {
            await deliver(widget, .failure(error))
          }
        }
      }
    }
  }
}

extension ViewPlan.Step {
  /// Remembers how many groups there were.
  fileprivate func note(_ result: QueryResult, of plan: Plan) {
    guard let known, let part = plan.kind as? any Fusible, let dimension = part.groupSets.first?.dimension,
      let column = result.columns.firstIndex(where: { $0.role == .dimension })
    else { return }
    known.note(
      dimension, in: plan.scope, count: Set(result.rows.map { ExactText($0[column].stringValue ?? "") }).count,
      isAll: !result.meta.truncated)
  }
}

extension Executor {
  /// Whether a smaller question might succeed: not when nobody waits any more, or when the server is away or busy.
  private static func mayBeTheScans(_ error: any Error) -> Bool {
    switch error {
    case is CancellationError: false
    case ClickHouseError.unavailable: false
    case ClickHouseError.exception(let exception): exception.kind != .overloaded
    default: true
    }
  }
}
