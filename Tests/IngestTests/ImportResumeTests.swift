import Domain
import Foundation
import Ingest
import Testing

/// What makes an import one that can be interrupted anywhere: ids that do not change, notes that hold no more than is decided.
@Suite(.timeLimit(.minutes(10))) struct ImportResumeTests {
  /// Keeps events by id, and refuses the batches it is told to.
  actor Store: EventSink {
    private(set) var events: [String: Event] = [:]
    private(set) var sent = 0
    private var failing: Set<Int>
    private var calls = 0

    init(failing: Set<Int> = []) { self.failing = failing }

    func send(_ events: [Event]) async throws -> IngestReceipt {
      let call = calls
      calls += 1
      // Batches end in another order than they began in.
      try await Task.sleep(for: .milliseconds(call % 4 == 0 ? 20 : 1))
      sent += events.count
      // Also one that arrives, and whose answer is lost.
      for event in events { self.events[event.eventID ?? "none \(sent)"] = event }
      guard !failing.contains(call) else { throw ImportError.sinkFailed(reason: "lost") }
      return IngestReceipt(accepted: events.count, rejections: [])
    }
  }

  let mapping = ImportMapping(tenant: .column("customer"), eventName: .fixed("x"), numericColumns: ["n"])
  let format = ImportFormat.csv(delimiter: UInt8(ascii: ","))

  func withFile<Result>(_ data: Data, _ operation: (String) async throws -> Result) async throws -> Result {
    let path = FileManager.default.temporaryDirectory.appending(path: "import-\(UUID().uuidString)").path
    try data.write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await operation(path)
  }

  func text(rows: Int) -> String { "customer,n\n" + (0..<rows).map { $0 % 1_000 == 7 ? ",\($0)\n" : "acme,\($0)\n" }.joined() }

  /// Whichever batch is lost, the rows that are noted are without a gap, and the next run completes them.
  @Test(arguments: [[0], [3], [5, 6], [11]]) func goesOnBehindWhatIsDecided(_ failing: [Int]) async throws {
    let rows = 12_345
    try await withFile(Data(text(rows: rows).utf8)) { path in
      let identity = try ImportIdentity(path: path, format: format, mapping: mapping)
      let store = Store(failing: Set(failing))
      let folder = FileManager.default.temporaryDirectory.appending(path: "notes-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let file = ImportCheckpointFile(folder: folder, path: path, identity: identity, target: "here")
      await #expect(throws: ImportError.sinkFailed(reason: "lost")) {
        _ = try await Importer(sink: store, now: { noon }).run(
          try ImportSource(path: path, format: format, mapping: mapping), identity: identity,
          decided: { try file.save(ImportCheckpoint(path: path, identity: identity, summary: $0, savedAt: noon)) })
      }
      let earlier = file.read()?.summary ?? ImportSummary()
      #expect(earlier.rows <= (failing.min() ?? 0) * 1_000 + 1_000)
      #expect(earlier.rows % 1_000 == 0)
      #expect(earlier.accepted + earlier.rejected == earlier.rows)
      let source = try ImportSource(path: path, format: format, mapping: mapping, skipping: earlier.rows)
      let summary = try await Importer(sink: store, now: { noon }).run(source, identity: identity, after: earlier)
      #expect(summary.rows == rows)
      #expect(summary.rejected == 13)
      #expect(summary.reasons.first?.lines == [9, 1_009, 2_009, 3_009, 4_009])
      let stored = await store.events
      #expect(stored.count == rows - 13)
      #expect(Set(stored.values.map { $0.numericProps["n"] }).count == rows - 13)
    }
  }

  @Test func idsFollowTheFileTheReadingAndTheRow() async throws {
    let one = Data(text(rows: 2).utf8)
    func ids(_ data: Data, _ mapping: ImportMapping) async throws -> [String] {
      try await withFile(data) { path in
        let store = Store()
        let identity = try ImportIdentity(path: path, format: format, mapping: mapping)
        _ = try await Importer(sink: store, now: { noon }).run(
          try ImportSource(path: path, format: format, mapping: mapping), identity: identity)
        return await store.events.keys.sorted()
      }
    }
    let first = try await ids(one, mapping)
    #expect(first.count == 2)
    #expect(first.allSatisfy { $0.hasPrefix("import:") && $0.utf8.count <= Limits.eventIDLength })
    #expect(first.last?.hasSuffix(":000000000001") == true)
    #expect(try await ids(one, mapping) == first)
    var other = mapping
    other.eventName = .fixed("y")
    #expect(Set(try await ids(one, other)).isDisjoint(with: first))
    #expect(Set(try await ids(Data((text(rows: 2) + "\n").utf8), mapping)).isDisjoint(with: first))
  }

  @Test func anIDOfTheRowItselfWins() async throws {
    let lines = #"{"tenant_id":"a","event_name":"x","event_id":"mine"}"# + "\n" + #"{"tenant_id":"a","event_name":"x"}"#
    try await withFile(Data(lines.utf8)) { path in
      let store = Store()
      let identity = try ImportIdentity(path: path, format: .ndjson, mapping: nil)
      _ = try await Importer(sink: store, now: { noon }).run(
        try ImportSource(path: path, format: .ndjson, mapping: nil), identity: identity)
      let ids = await store.events.keys.sorted()
      #expect(ids.count == 2)
      #expect(ids.last == "mine")
    }
  }

  @Test func aNoteThatCannotBeReadIsNone() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "notes-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let identity = try ImportIdentity(path: "-", format: .ndjson, mapping: nil)
    let file = ImportCheckpointFile(folder: folder, path: "a.csv", identity: identity, target: "here")
    #expect(file.read() == nil)
    for text in [
      "", "{", "{}", #"{"version":2}"#, #"{"version":1,"path":"a","file":"f","reading":"r","summary":{"rows":"x"},"saved_at":"soon"}"#,
    ] {
      try Data(text.utf8).write(to: file.url)
      #expect(file.read() == nil)
    }
    let elsewhere = ImportCheckpointFile(folder: folder, path: "a.csv", identity: identity, target: "there")
    #expect(elsewhere.url != file.url)
  }

  /// As `emban export` writes CSV: a quoted empty field is a text, names keep their spaces and spellings.
  @Test func readsTheColumnsOfAnExport() async throws {
    let csv = #"""
      "tenant_id","event_name","timestamp","event_id","user_id","string_props. a","string_props.b","string_props.\#u{301}x","numeric_props.b"
      "acme","x","2026-01-01T00:00:00.000Z",,,"","say ""hi""","combining",1e300
      "acme","x","2026-01-01T00:00:00.000Z","e1","u1",,"=1+1",,
      """#
    try await withFile(Data(csv.utf8)) { path in
      let rows = try #require(try ImportSource(path: path, format: format, mapping: nil).next(10))
      #expect(rows.map(\.event.defect) == [nil, nil])
      let first = [(" a", ""), ("b", "say \"hi\""), ("\u{301}x", "combining")].map { RawProperty(name: $0, value: .string($1)) }
      let second = [RawProperty(name: "b", value: .string("=1+1"))]
      let wanted: [RawProperties?] = [.members(first, count: 3), .members(second, count: 1)]
      #expect(rows.map(\.event.stringProps) == wanted)
      let numbers: [RawProperties?] = [.members([RawProperty(name: "b", value: .number(1e300))], count: 1), nil]
      #expect(rows.map(\.event.numericProps) == numbers)
      #expect(rows.map(\.event.eventID) == [nil, .string("e1")])
      #expect(rows.map(\.number) == [0, 1])
    }
    await #expect(throws: ImportError.noMapping(known: ["tenant_id", "event_name", "tokens"])) {
      try await withFile(Data("tenant_id,event_name,tokens\na,x,1\n".utf8)) { path in
        do { _ = try ImportSource(path: path, format: format, mapping: nil) } catch { throw error }
      }
    }
  }
}
