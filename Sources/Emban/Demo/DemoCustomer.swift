import Domain

/// A customer of the demo's host product, and how much it uses it.
struct DemoCustomer: Sendable {
  let id: TenantID
  let name: String
  let plan: String
  /// Calls on an average day at the end of the first 90 days.
  let callsPerDay: Double
  /// How many times more calls there are at the end of the 90 days than at their beginning.
  let growth: Double
  let users: Int
  let signupsPerDay: Double
  let regions: [(DemoRegion, Double)]

  static let all: [DemoCustomer] = [
    DemoCustomer(
      id: TenantID("acme"), name: "Acme Robotics", plan: "Growth", callsPerDay: 1_150, growth: 2.4, users: 64, signupsPerDay: 6,
      regions: [(.usEast, 0.5), (.euWest, 0.35), (.apSouth, 0.15)]),
    DemoCustomer(
      id: TenantID("globex"), name: "Globex Logistics", plan: "Starter", callsPerDay: 430, growth: 1.3, users: 28, signupsPerDay: 2.5,
      regions: [(.euWest, 0.8), (.usEast, 0.2)]),
    DemoCustomer(
      id: TenantID("initech"), name: "Initech Software", plan: "Scale", callsPerDay: 1_900, growth: 1.7, users: 140, signupsPerDay: 11,
      regions: [(.usEast, 0.4), (.usWest, 0.3), (.euWest, 0.2), (.apSouth, 0.1)]),
    DemoCustomer(
      id: TenantID("vandelay"), name: "Vandelay Imports", plan: "Free", callsPerDay: 70, growth: 3.5, users: 7, signupsPerDay: 0.6,
      regions: [(.usEast, 1)]),
  ]
}

/// Where calls come from; people there work by their own clock.
enum DemoRegion: String, Sendable, CaseIterable {
  case usEast = "us-east"
  case usWest = "us-west"
  case euWest = "eu-west"
  case apSouth = "ap-south"

  /// Hours ahead of UTC.
  var utcOffset: Int {
    switch self {
    case .usEast: -5
    case .usWest: -8
    case .euWest: 1
    case .apSouth: 5
    }
  }

  /// How much longer than elsewhere an answer takes.
  var latencyFactor: Double {
    switch self {
    case .usEast: 1
    case .usWest: 1.08
    case .euWest: 1.15
    case .apSouth: 1.4
    }
  }
}

/// What the host product sells: calls of language models.
enum DemoModel: String, Sendable, CaseIterable {
  case large = "aurora-large"
  case mini = "aurora-mini"
  case vision = "aurora-vision"
  case embed = "aurora-embed"

  /// Milliseconds.
  var medianLatency: Double {
    switch self {
    case .large: 820
    case .mini: 240
    case .vision: 1_650
    case .embed: 70
    }
  }

  var latencySpread: Double { self == .vision ? 0.5 : 0.42 }

  var medianTokens: Double {
    switch self {
    case .large: 900
    case .mini: 620
    case .vision: 1_300
    case .embed: 310
    }
  }

  /// US dollars for a thousand tokens.
  var price: Double {
    switch self {
    case .large: 0.012
    case .mini: 0.0009
    case .vision: 0.018
    case .embed: 0.0001
    }
  }

  var endpoints: [(String, Double)] {
    switch self {
    case .large: [("/v1/chat", 0.7), ("/v1/search", 0.18), ("/v1/summarize", 0.12)]
    case .mini: [("/v1/chat", 0.45), ("/v1/classify", 0.35), ("/v1/summarize", 0.2)]
    case .vision: [("/v1/images", 0.8), ("/v1/chat", 0.2)]
    case .embed: [("/v1/embeddings", 0.85), ("/v1/search", 0.15)]
    }
  }
}
