import AsyncHTTPClient
public import NIOCore

/// An answer of ClickHouse piece by piece. Whoever stops reading stops the statement.
///
/// An answer that the server could not finish ends with a ``ClickHouseError``: it breaks the connection off then.
public struct ClickHouseStream: AsyncSequence, Sendable {
  public typealias Element = ByteBuffer

  let body: HTTPClientResponse.Body
  let told: @Sendable (any Error) -> any Error

  public struct AsyncIterator: AsyncIteratorProtocol {
    var iterator: HTTPClientResponse.Body.AsyncIterator
    let told: @Sendable (any Error) -> any Error

    public mutating func next() async throws -> ByteBuffer? {
      do {
        return try await iterator.next()
      } catch {
        throw told(error)
      }
    }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(iterator: body.makeAsyncIterator(), told: told) }
}
