import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Puts one request together: who asks, the settings, the bound values, the statement.
///
/// Settings and values travel in the URL while they are short. When they are long they travel as form fields of the body, because
/// servers bound the length of URLs; the statement then is a form field too.
struct RequestBuilder {
  /// ClickHouse takes 1 MiB, but proxies in between usually stop at 8 or 16 KiB.
  static let longestQueryString = 7_000

  private let url: String
  private var headers: HTTPHeaders
  private var query: [UInt8] = []
  private var parameters: [SQL.Parameter] = []
  private var text: String?
  /// The rows of an INSERT.
  var body: ByteBuffer?

  init(_ endpoint: ClickHouseEndpoint, role: DatabaseRole, passwords: ReaderPasswords, settings: [String: String]) {
    url = endpoint.url
    let user: String
    let password: String
    var settings = settings
    var scope: ScopeSettings?
    switch role {
    case .admin:
      (user, password) = (endpoint.user, endpoint.password)
      // The readers' profile holds these; the administrator of a foreign server has any profile.
      settings.merge(Self.outputSettings) { given, _ in given }
    case .viewer(let settings):
      (user, password) = ("emban_viewer", passwords.viewer)
      scope = settings
    case .analyst(let settings):
      (user, password) = ("emban_analyst", passwords.analyst)
      scope = settings
    case .exporter(let settings):
      (user, password) = ("emban_exporter", passwords.exporter)
      scope = settings
    case .sql(let reader):
      (user, password) = (reader.name, reader.password)
      // Its profile fixes everything else.
      settings = settings.filter { $0.key == "log_comment" }
      settings["database"] = reader.name
    }
    headers = ["X-ClickHouse-User": user, "X-ClickHouse-Key": password, "User-Agent": "emban"]
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) { parameter(name, value) }
    if let scope {
      parameter("SQL_emban_org", scope.organization)
      parameter("SQL_emban_env", scope.environment)
      if let tenant = scope.tenant { parameter("SQL_emban_tenant", tenant) }
    }
  }

  static let outputSettings: [String: String] = [
    "date_time_output_format": "iso",
    "http_response_buffer_size": "1048576",
    "http_wait_end_of_query": "1",
    "http_write_exception_in_output_format": "0",
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_denormals": "0",
  ]

  mutating func parameter(_ name: String, _ value: String) {
    query.append(UInt8(ascii: query.isEmpty ? "?" : "&"))
    query.append(contentsOf: name.utf8)
    query.append(UInt8(ascii: "="))
    PercentEncoding.append(value, to: &query)
  }

  mutating func statement(_ sql: SQL) {
    text = sql.text
    parameters = sql.parameters
  }

  /// As ``request()``, for an answer that is read piece by piece.
  func streamingRequest() throws -> HTTPClientRequest {
    let whole = wholeRequest()
    var request = HTTPClientRequest(url: whole.url)
    request.method = .POST
    request.headers = whole.headers
    request.body = .bytes(whole.body)
    return request
  }

  func request() throws -> HTTPClient.Request {
    let whole = wholeRequest()
    return try HTTPClient.Request(url: whole.url, method: .POST, headers: whole.headers, body: .byteBuffer(whole.body))
  }

  private func wholeRequest() -> (url: String, headers: HTTPHeaders, body: ByteBuffer) {
    // Percent-encoding makes them longer still.
    let length = parameters.reduce(query.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    if length <= Self.longestQueryString || text == nil {
      var short = self
      for item in parameters { short.parameter("param_" + item.name, item.value) }
      if short.query.count <= Self.longestQueryString || text == nil { return short.finished(body ?? ByteBuffer(string: text ?? "")) }
    }
    var form = self
    let boundary = Self.boundary()
    form.headers.add(name: "Content-Type", value: "multipart/form-data; boundary=\(boundary)")
    var buffer = ByteBuffer()
    buffer.reserveCapacity(length + (text?.utf8.count ?? 0) + 128 * (parameters.count + 2))
    for (name, value) in parameters.map({ ("param_" + $0.name, $0.value) }) + [("query", text ?? "")] {
      buffer.writeString("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n")
      buffer.writeString(value)
      buffer.writeString("\r\n")
    }
    buffer.writeString("--\(boundary)--\r\n")
    return form.finished(buffer)
  }

  private func finished(_ body: ByteBuffer) -> (url: String, headers: HTTPHeaders, body: ByteBuffer) {
    (url + "/" + String(decoding: query, as: UTF8.self), headers, body)
  }

  /// A line that occurs in none of the fields: 128 bits that were drawn after all of them were written.
  private static func boundary() -> String {
    var generator = SystemRandomNumberGenerator()
    return "emban-\(generator.next() as UInt64)-\(generator.next() as UInt64)"
  }
}
