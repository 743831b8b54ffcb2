import Domain
import Foundation

/// Makes the events of a fictional host product: `api.call` and `user.signup` of four customers, with growth, the rhythm of days
/// and weeks, a model that appears on the way, and one bad afternoon in one region.
///
/// The events of an hour follow from the hour and ``start`` alone, so that the same span always gives the same events with the
/// same ids: sending it again is harmless, and a demo that is started again later goes on where it ended.
struct DemoData: Sendable {
  static let days = 90

  /// The first moment of the data, on the hour.
  let start: Instant

  /// Data that ends at `now` and begins 90 days earlier; of a demo that has data already, its first moment is `start`.
  init(now: Instant, start: Instant? = nil) {
    self.start = Self.hour(of: start ?? now.adding(milliseconds: -Int64(Self.days) * 86_400_000))
  }

  /// Five hours in which eu-west answered slowly or not at all: nine days before the end of the first 90.
  var incident: Range<Instant> {
    let day = start.adding(milliseconds: Int64(Self.days - 9) * 86_400_000).milliseconds / 86_400_000
    let begin = Instant(milliseconds: day * 86_400_000 + 13 * 3_600_000)
    return begin..<begin.adding(milliseconds: 5 * 3_600_000)
  }

  /// Hands the events of the span to `body` in the order of time, in batches of at most ``Limits/eventsPerRequest``.
  func forEachBatch(from: Instant, to: Instant, _ body: ([Event]) async throws -> Void) async rethrows {
    var batch: [Event] = []
    var hour = max(Self.hour(of: from), start)
    while hour < to {
      for event in events(ofHour: hour) where from <= event.timestamp && event.timestamp < to {
        batch.append(event)
        if batch.count == Limits.eventsPerRequest {
          try await body(batch)
          batch.removeAll(keepingCapacity: true)
        }
      }
      hour = hour.adding(milliseconds: 3_600_000)
    }
    if !batch.isEmpty { try await body(batch) }
  }

  /// The events of one hour in the order of time.
  func events(ofHour hour: Instant) -> [Event] {
    var events: [Event] = []
    for (number, customer) in DemoCustomer.all.enumerated() {
      for (place, (region, share)) in customer.regions.enumerated() {
        var random = DemoRandom(UInt64(hour.milliseconds / 3_600_000), UInt64(number), UInt64(place))
        let activity = share * growth(of: customer, at: hour) * rhythm(in: region, at: hour) * mood(of: number, at: hour) / 24
        for index in 0..<random.poisson(customer.callsPerDay * activity) {
          events.append(call(of: customer, in: region, hour, "c\(place)-\(index)", &random))
        }
        for index in 0..<random.poisson(customer.signupsPerDay * activity) {
          events.append(signup(at: customer, in: region, hour, "s\(place)-\(index)", &random))
        }
      }
    }
    return events.sorted { $0.timestamp < $1.timestamp }
  }

  // MARK: How much

  private func progress(at moment: Instant) -> Double {
    Double(moment.milliseconds - start.milliseconds) / (Double(Self.days) * 86_400_000)
  }

  /// Exponential over the 90 days, to 1 at their end; then it stays.
  private func growth(of customer: DemoCustomer, at hour: Instant) -> Double {
    pow(customer.growth, min(progress(at: hour), 1) - 1)
  }

  /// Working days from nine to six, quiet nights and weekends; 1 on average.
  private func rhythm(in region: DemoRegion, at hour: Instant) -> Double {
    let local = hour.milliseconds / 3_600_000 + Int64(region.utcOffset)
    // 1970-01-01 was a Thursday.
    let weekday = Int((local / 24 + 3) % 7)
    return Self.weekdays[weekday] * Self.hours[Int(local % 24)]
  }

  private static let weekdays = [1.18, 1.24, 1.25, 1.2, 1.08, 0.55, 0.5]
  private static let hours = [
    0.28, 0.22, 0.19, 0.18, 0.2, 0.28, 0.45, 0.75, 1.15, 1.6, 1.85, 1.8, 1.5, 1.65, 1.85, 1.8, 1.65, 1.4, 1.1, 0.95, 0.9, 0.85, 0.75, 0.65,
  ]

  /// No two days are quite alike.
  private func mood(of customer: Int, at hour: Instant) -> Double {
    var random = DemoRandom(UInt64(hour.milliseconds / 86_400_000), UInt64(customer), 77)
    return random.logNormal(median: 1, spread: 0.09)
  }

  // MARK: What

  private func call(
    of customer: DemoCustomer, in region: DemoRegion, _ hour: Instant, _ id: String, _ random: inout DemoRandom
  ) -> Event {
    let time = hour.adding(milliseconds: Int64(random.unit() * 3_600_000))
    let model = random.pick(models(at: time))
    let isIncident = region == .euWest && incident.contains(time)
    let status = random.pick(isIncident ? Self.badStatuses : Self.goodStatuses)
    var latency = random.logNormal(median: model.medianLatency * region.latencyFactor, spread: model.latencySpread)
    switch status {
    case "timeout": latency = 10_000
    case "rate_limited": latency = random.logNormal(median: 9, spread: 0.3)
    default: if isIncident { latency *= 4.5 }
    }
    var numbers = ["latency_ms": (min(latency, 10_000) * 10).rounded() / 10]
    if status == "success" {
      let tokens = max(1, random.logNormal(median: model.medianTokens, spread: 0.7).rounded())
      numbers["tokens"] = tokens
      numbers["cost_usd"] = (tokens * model.price / 1_000 * 1e6).rounded() / 1e6
    }
    return Event(
      tenantID: customer.id, eventName: "api.call", timestamp: time, eventID: eventID(hour, id),
      userID: user(of: customer, at: time, &random),
      stringProps: ["endpoint": random.pick(model.endpoints), "model": model.rawValue, "status": status, "region": region.rawValue],
      numericProps: numbers)
  }

  private func signup(
    at customer: DemoCustomer, in region: DemoRegion, _ hour: Instant, _ id: String, _ random: inout DemoRandom
  ) -> Event {
    let time = hour.adding(milliseconds: Int64(random.unit() * 3_600_000))
    return Event(
      tenantID: customer.id, eventName: "user.signup", timestamp: time, eventID: eventID(hour, id),
      userID: user(of: customer, at: time, &random),
      stringProps: [
        "source": random.pick([("organic", 0.42), ("invite", 0.31), ("ads", 0.17), ("partner", 0.1)]),
        "plan": random.pick([("free", 0.6), ("team", 0.3), ("business", 0.1)]), "region": region.rawValue,
      ],
      numericProps: ["seats": Double(1 + random.poisson(1.4))])
  }

  /// aurora-vision appears after 35 days; aurora-mini takes over from aurora-large little by little.
  private func models(at time: Instant) -> [(DemoModel, Double)] {
    let progress = min(max(progress(at: time), 0), 1)
    let vision = progress < 0.39 ? 0 : 0.16 * min(1, (progress - 0.39) / 0.3)
    return [(.large, 0.46 - 0.2 * progress), (.mini, 0.32 + 0.14 * progress), (.vision, vision), (.embed, 0.22)]
  }

  private static let goodStatuses = [("success", 0.974), ("error", 0.012), ("rate_limited", 0.01), ("timeout", 0.004)]
  private static let badStatuses = [("success", 0.58), ("error", 0.27), ("rate_limited", 0.02), ("timeout", 0.13)]

  /// A few people make most of the calls; their number grows to ``DemoCustomer/users``.
  private func user(of customer: DemoCustomer, at time: Instant, _ random: inout DemoRandom) -> String {
    let users = Double(customer.users) * (0.55 + 0.45 * min(max(progress(at: time), 0), 1))
    return "user_\(1 + Int(users * pow(random.unit(), 2.2)))"
  }

  private func eventID(_ hour: Instant, _ id: String) -> String { "demo-\(hour.milliseconds / 3_600_000)-\(id)" }

  private static func hour(of moment: Instant) -> Instant {
    Instant(milliseconds: moment.milliseconds / 3_600_000 * 3_600_000)
  }
}
