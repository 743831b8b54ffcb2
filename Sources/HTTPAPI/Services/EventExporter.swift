public import ClickHouse
public import NIOCore
public import QueryEngine

/// Makes files of events.
public struct EventExporter: Sendable {
  private let client: ClickHouseClient

  public init(client: ClickHouseClient) { self.client = client }

  /// Begins an export: whatever can be known beforehand goes wrong here.
  ///
  /// - Returns: how many events it is about, and the file.
  /// - Throws: ``AppError`` of the export, ``ClickHouseError``.
  public func run(_ export: EventExport) async throws -> (events: Int, file: ExportedFile) {
    let found = try await client.query(export.extentStatement, as: export.role, timeout: .seconds(60))
    let extent = try export.extent(found.rows.first ?? [])
    let body = try await client.stream(export.statement(extent), as: export.role, format: export.format.storeName)
    return (extent.events, ExportedFile(head: ByteBuffer(string: export.head(extent)), body: body))
  }
}

/// The bytes of an export as they are made. It is whole when the sequence ends without an error.
public struct ExportedFile: AsyncSequence, Sendable {
  public typealias Element = ByteBuffer

  let head: ByteBuffer
  let body: ClickHouseStream

  public struct AsyncIterator: AsyncIteratorProtocol {
    var head: ByteBuffer?
    var body: ClickHouseStream.AsyncIterator

    public mutating func next() async throws -> ByteBuffer? {
      if let first = head {
        head = nil
        if first.readableBytes > 0 { return first }
      }
      return try await body.next()
    }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(head: head, body: body.makeAsyncIterator()) }
}
