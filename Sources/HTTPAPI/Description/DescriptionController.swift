import Access
import Domain
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /openapi.json`: the description of the API; `GET /docs`: a page to read it.
struct DescriptionController: Controller {
  let assets: Assets
  /// Everything else that is served.
  let others: [Endpoint]
  /// Where people reach this server, without a slash at the end.
  let publicURL: String

  var endpoints: [Endpoint] {
    // The description names these two as well; it needs no more of them than where they are.
    let own = ["/openapi.json", "/docs"].map { Endpoint(.get, $0, .public) { _ in .noContent() } }
    let description = description(of: others + own)
    return [
      Endpoint(.get, "/openapi.json", .public) { _ in
        guard let description else { throw AppError.notFound("There is no description.") }
        return Response(
          status: .ok,
          headers: [
            .contentType: "application/json", .accessControlAllowOrigin: "*", .cacheControl: "public, max-age=300, must-revalidate",
          ],
          body: .init(byteBuffer: description))
      },
      Endpoint(.get, "/docs", .public) { request in
        guard let page = assets.file("pages/reference.html") else { throw AppError.notFound("There is no such page.") }
        return assets.response(
          page, to: request.request,
          headers: [
            .contentSecurityPolicy:
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
              + "frame-ancestors 'none'",
            .cacheControl: "no-store", .permissionsPolicy: PagesController.permissions,
          ])
      },
    ]
  }

  private func description(of endpoints: [Endpoint]) -> ByteBuffer? {
    guard let file = assets.file("openapi.json"), let written = try? JSONParser.parse(Array(file.plain.readableBytesView)) else {
      return nil
    }
    return ByteBuffer(bytes: APIDescription(written, endpoints: endpoints, publicURL: publicURL).json.serializedBytes())
  }
}
