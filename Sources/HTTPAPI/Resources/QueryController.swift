import Access
import Domain
import Hummingbird
import QueryEngine

/// `GET/POST /v1/query`: one question over one tenant's events, or over those of all tenants.
struct QueryController: Controller {
  let queries: QueryService

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/query", .read, endsWithClient: true, get),
      Endpoint(.post, "/v1/query", .read, endsWithClient: true, post),
    ]
  }

  private struct Question {
    var query = WidgetQuery()
    var kind: WidgetKind?
    var state = ViewState()
    var tenant: TenantID?
    var timezone: String?
    var environment: EnvironmentName?
  }

  /// Query parameters bear the names of the query's members; `limit` is written in digits, `other` as `true` or `false`, `filters` as a
  /// JSON array, and `from` with `to` stand for a period.
  private func get(_ request: APIRequest) async throws -> Response {
    var members = try request.query().mapValues(JSONValue.string)
    if let text = members["limit"]?.stringValue {
      guard let number = Int(text) else { throw AppError.invalid("limit", "wrong_type", "must be a whole number") }
      members["limit"] = .int(number)
    }
    if let text = members["other"]?.stringValue {
      guard let other = Bool(text) else { throw AppError.invalid("other", "wrong_type", "must be true or false") }
      members["other"] = .bool(other)
    }
    for key in ["filters", "period"] {
      guard let text = members[key]?.stringValue, text.hasPrefix("[") || text.hasPrefix("{") else { continue }
      do {
        members[key] = try JSONParser.parse(text)
      } catch {
        throw AppError.invalid(key, "malformed_json", "must be valid JSON: \(error.reason) (byte \(error.offset))")
      }
    }
    if members["from"] != nil || members["to"] != nil {
      if members["period"] != nil {
        throw AppError.invalid("period", "not_applicable", "cannot be given together with from and to")
      }
      var range: [String: JSONValue] = [:]
      range["from"] = members.removeValue(forKey: "from")
      range["to"] = members.removeValue(forKey: "to")
      members["period"] = .object(range)
    }
    let question = try APIRequest.read(.object(members)) { reader in
      var question = Question()
      Self.readTarget(&reader, into: &question)
      question.query = WidgetQuery.read(from: &reader) ?? WidgetQuery()
      return question
    }
    return try await answer(question, request)
  }

  private func post(_ request: APIRequest) async throws -> Response {
    let question = try await request.readBody { reader in
      var question = Question()
      Self.readTarget(&reader, into: &question)
      if !reader.has("query") { reader.problem("query", "missing", "is required") }
      question.query = reader.nested("query", WidgetQuery.read) ?? WidgetQuery()
      if case .array? = reader.peek("filters") {
        question.query.filters += reader.list("filters", count: 0...Limits.queryFilters, QueryFilter.read) ?? []
      } else if let state = reader.nested("filters", ViewState.read) {
        // The same form as a viewer's state: its conditions become filters of the query.
        question.query.filters += state.queryFilters
        if let period = state.period { question.query.time = .period(period) }
        if let range = state.dateRange { question.query.time = .range(range) }
      }
      return question
    }
    return try await answer(question, request)
  }

  private static func readTarget(_ reader: inout ObjectReader, into question: inout Question) {
    question.tenant = reader.string("tenant_id", length: 1...Limits.tenantIDLength).map { TenantID($0) }
    question.kind = reader.enumeration("kind", WidgetKind.self)
    question.timezone = reader.string("timezone", length: 1...100)
    question.environment = reader.string("environment", length: 1...50).map { EnvironmentName($0) }
  }

  private func answer(_ question: Question, _ request: APIRequest) async throws -> Response {
    let account = try request.account(environment: question.environment)
    let scope = try queries.scope(account, tenant: question.tenant, timezone: question.timezone)
    let context = try await queries.context(scope)
    let plan = try Planner(scope: scope, tenantData: context.known?.data).plan(
      question.query, kind: question.kind ?? Planner.kind(of: question.query))
    return .json(bytes: try await queries.answer(plan, context))
  }
}

extension ViewState {
  /// The conditions of the state as filters of a query.
  var queryFilters: [QueryFilter] {
    let strings = dimensions.sorted { $0.key < $1.key }.map {
      QueryFilter.string(Dimension($0.key), .isIn, values: $0.value)
    }
    let numbers = numericRanges.sorted { $0.key < $1.key }.flatMap { property, range in
      [range.min.map { QueryFilter.numeric(property, .atLeast($0)) }, range.max.map { QueryFilter.numeric(property, .atMost($0)) }]
        .compactMap(\.self)
    }
    return strings + numbers
  }
}
