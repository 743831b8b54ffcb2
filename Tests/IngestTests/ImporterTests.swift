import ClickHouse
import Domain
import Foundation
import Ingest
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct ImporterTests {
  /// Keeps what it is sent; the files, not the store, are the matter of most tests here.
  actor Collector: EventSink {
    private(set) var events: [Event] = []
    private(set) var largestBatch = 0

    func send(_ events: [Event]) async throws -> IngestReceipt {
      self.events += events
      largestBatch = max(largestBatch, events.count)
      return IngestReceipt(accepted: events.count, rejections: [])
    }
  }

  func withFile<Result>(_ text: String, _ operation: (String) async throws -> Result) async throws -> Result {
    let path = FileManager.default.temporaryDirectory.appending(path: "import-\(UUID().uuidString)").path
    try Data(text.utf8).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await operation(path)
  }

  func importing(
    _ text: String, _ mapping: ImportMapping?, _ format: ImportFormat = .csv(delimiter: UInt8(ascii: ","))
  ) async throws -> (events: [Event], summary: ImportSummary) {
    try await withFile(text) { path in
      let sink = Collector()
      let source = try ImportSource(path: path, format: format, mapping: mapping)
      let summary = try await Importer(sink: sink, now: { noon }).run(source)
      return (await sink.events, summary)
    }
  }

  let mapping = ImportMapping(
    tenant: .column("customer"), eventName: .fixed("call"), timestampColumn: "at", stringColumns: ["model"],
    numericColumns: ["tokens", "cost"], userColumn: "user", eventIDColumn: "id")

  @Test func mapsColumns() async throws {
    let (events, summary) = try await importing(
      """
      at,customer,model,tokens,cost,user,id,ignored
      2023-11-16 18:17:03.9799600,acme,"gpt-4, large",12, 0.5 ,u1,e1,x
      1700158623,globex,,,,,,
      """, mapping)
    #expect(summary.accepted == 2)
    #expect(
      events == [
        Event(
          tenantID: TenantID("acme"), eventName: "call", timestamp: Instant(iso8601: "2023-11-16T18:17:03.979Z")!, eventID: "e1",
          userID: "u1", stringProps: ["model": "gpt-4, large"], numericProps: ["tokens": 12, "cost": 0.5]),
        Event(tenantID: TenantID("globex"), eventName: "call", timestamp: Instant(iso8601: "2023-11-16T18:17:03Z")!),
      ])
  }

  @Test func countsRejectedRowsByReasonWithTheirLines() async throws {
    var lines = ["at,customer,model,tokens,cost,user,id"]
    lines += ["2023-11-16,,m,1,1,u,", "2023-11-16,acme,m,1,1,u,", "soon,acme,m,1,1,u,", "2023-11-16,acme,m,many,1,u,"]
    lines += ["2023-11-16,acme", "\"2023-11-16\"x,acme,m,1,1,u,", "2999-01-01,acme,m,1,1,u,", "2023-11-16,acme,m,0x10,nan,u,"]
    lines += Array(repeating: "2023-11-16,acme,m,1,1,u,,", count: 20)
    let (events, summary) = try await importing(lines.joined(separator: "\n"), mapping)
    #expect(events.count == 1)
    #expect(summary.rows == 28)
    #expect(summary.rejected == 27)
    let reasons = Dictionary(grouping: summary.reasons, by: \.code).mapValues { ($0.map(\.count).reduce(0, +), $0.flatMap(\.lines)) }
    #expect(summary.reasons.first?.code == .csvColumns)
    #expect(reasons[.csvColumns]?.0 == 21)
    #expect(reasons[.csvColumns]?.1 == [6, 10, 11, 12, 13])
    #expect(reasons[.tenantIDMissing]?.1 == [2])
    #expect(reasons[.timestampFormat]?.1 == [4])
    #expect(reasons[.numberFormat]?.1 == [5, 9])
    #expect(reasons[.csvQuotes]?.1 == [7])
    #expect(reasons[.timestampRange]?.1 == [8])
  }

  @Test func refusesAnUnknownColumnBeforeAnythingIsSent() async throws {
    let error = await #expect(throws: ImportError.self) { try await importing("at,client,model\n2023-11-16,acme,m\n", mapping) }
    #expect(error == .unknownColumns(["customer", "user", "id", "tokens", "cost"], known: ["at", "client", "model"]))
    #expect(error?.description.contains("the file has at, client, model") == true)
    let flat = await #expect(throws: ImportError.self) { try await importing(#"{"at":"2023-11-16","client":"a"}"#, mapping, .ndjson) }
    #expect(flat == .unknownColumns(["customer", "user", "id", "model", "tokens", "cost"], known: ["at", "client"]))
  }

  @Test func refusesFilesItCannotRead() async throws {
    await #expect(throws: ImportError.emptyFile(path: "")) {
      do { _ = try await importing("", mapping) } catch ImportError.emptyFile { throw ImportError.emptyFile(path: "") }
    }
    #expect(throws: ImportError.self) { try ImportSource(path: "/nowhere.csv", format: .ndjson, mapping: nil) }
    let twice = ImportMapping(tenant: .column("a"), eventName: .fixed("x"))
    await #expect(throws: ImportError.duplicateColumns(["a"])) { try await importing("a,a\n1,2\n", twice) }
  }

  @Test func readsOurOwnEventObjects() async throws {
    let (events, summary) = try await importing(
      """
      {"tenant_id":"acme","event_name":"x","timestamp":"2023-11-16T18:17:03Z","string_props":{"a":"b"}}

      {"tenant_id":"acme","event_name":"x","tenant":"y"}
      {broken
      """, nil, .ndjson)
    #expect(events.map(\.stringProps) == [["a": "b"]])
    #expect(summary.reasons.map(\.code).sorted { $0.rawValue < $1.rawValue } == [.malformedJSON, .unknownField])
    #expect(summary.reasons.flatMap(\.lines).sorted() == [3, 4])
  }

  @Test func readsFlatObjectsByTheMapping() async throws {
    let (events, summary) = try await importing(
      """
      {"at":1700158623979,"customer":"acme","model":4,"tokens":12,"cost":"0.5","user":7,"id":null,"more":{"x":[1]}}
      {"at":"2023-11-16T18:17:03Z","customer":"acme","model":{"x":1},"tokens":1,"user":null,"id":"e2"}
      {"at":"2023-11-16T18:17:03Z","customer":"acme","tokens":true}
      """, mapping, .ndjson)
    #expect(
      events == [
        Event(
          tenantID: TenantID("acme"), eventName: "call", timestamp: Instant(iso8601: "2023-11-16T18:17:03.979Z")!, userID: "7",
          stringProps: ["model": "4"], numericProps: ["tokens": 12, "cost": 0.5]),
        Event(
          tenantID: TenantID("acme"), eventName: "call", timestamp: Instant(iso8601: "2023-11-16T18:17:03Z")!,
          numericProps: ["tokens": 1]),
      ])
    #expect(summary.reasons.map(\.code) == [.stringPropsType])
  }

  @Test func sendsBatchesOfAThousandAndTellsTheProgress() async throws {
    let text = "customer,n\n" + (0..<25_500).map { "acme,\($0)\n" }.joined()
    let mapping = ImportMapping(tenant: .column("customer"), eventName: .fixed("x"), numericColumns: ["n"])
    try await withFile(text) { path in
      let sink = Collector()
      let source = try ImportSource(path: path, format: .csv(delimiter: UInt8(ascii: ",")), mapping: mapping)
      #expect(source.totalBytes == text.utf8.count)
      var seen: [Int] = []
      let summary = try await Importer(sink: sink, now: { noon }).run(source) { seen.append($0.rows) }
      #expect(summary.accepted == 25_500)
      // A batch that ends before an earlier one is told with it.
      #expect((7...26).contains(seen.count))
      #expect(seen == seen.sorted())
      #expect(seen.last == 25_500)
      #expect(source.bytesRead == text.utf8.count)
      #expect(await sink.largestBatch == 1_000)
      #expect(Set(await sink.events.map { $0.numericProps["n"] }).count == 25_500)
    }
  }

  /// The public trace of two services, compared with sums taken straight from the text of the files.
  @Test(arguments: ["conv", "code"]) func importsTheInferenceTrace(_ tenant: String) async throws {
    let path = SharedData.path("llm-inference/\(tenant).csv")
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst()
    var context = 0
    var generated = 0
    for line in lines {
      let fields = line.split(separator: ",")
      context += Int(fields[1]) ?? 0
      generated += Int(fields[2]) ?? 0
    }
    let fixture = try await PipelineFixture(now: { Instant(iso8601: "2026-04-14T12:00:00Z")! })
    try await fixture.running {
      let source = try ImportSource(
        path: path, format: .csv(delimiter: UInt8(ascii: ",")),
        mapping: ImportMapping(
          tenant: .fixed(tenant), eventName: .fixed("llm.call"), timestampColumn: "TIMESTAMP",
          numericColumns: ["ContextTokens", "GeneratedTokens"]))
      let sink = PipelineSink(fixture.pipeline, scope: fixture.scope)
      let summary = try await Importer(sink: sink, now: { noon }).run(source)
      #expect(summary.accepted == lines.count)
      #expect(summary.rejected == 0)
    }
    let rows = try await fixture.rows(
      """
      count(), sum(\(PropertyPath.numeric("ContextTokens").numericExpression)),
      sum(\(PropertyPath.numeric("GeneratedTokens").numericExpression)), uniqExact(tenant_id)
      """, order: "1")
    #expect(rows == [[.int(lines.count), .int(context), .int(generated), 1]])
  }
}

/// The data sets beside the project: `EMBAN_SHARED_DATA`, else `../shared/data` from the package's root.
enum SharedData {
  static func path(_ name: String) -> String {
    if let folder = ProcessInfo.processInfo.environment["EMBAN_SHARED_DATA"] { return "\(folder)/\(name)" }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return root.appending(path: "../shared/data/\(name)").standardizedFileURL.path
  }
}
