import Access
import Domain
import HTTPTypes
import Hummingbird

/// The console at `/app`: one page for all its addresses, which it tells apart by itself. It holds nothing that is anybody's.
struct ConsolePagesController: Controller {
  let assets: Assets
  /// Where `/` leads.
  let home: String

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/", .public) { [home] _ in Response(status: .found, headers: [.location: home]) },
      Endpoint(.get, "/app", .public, page),
      Endpoint(.get, "/app/:page", .public, page),
      Endpoint(.get, "/app/:page/:id", .public, page),
      Endpoint(.get, "/app/:page/:id/:part", .public, page),
    ]
  }

  private func page(_ request: APIRequest) throws -> Response {
    guard let file = assets.file("pages/app.html") else { throw AppError.notFound("There is no console.") }
    return assets.response(
      file, to: request.request,
      headers: [
        .contentSecurityPolicy:
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https:; connect-src 'self'; font-src 'self'; "
          + "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        .cacheControl: "no-store", .permissionsPolicy: PagesController.permissions,
      ])
  }
}
