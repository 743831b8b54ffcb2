import Access
import ConfigStore
import Domain
import Foundation
import HTTPTypes
import Hummingbird

/// The embed page and the browser files.
struct PagesController: Controller {
  let assets: Assets
  let embeds: EmbedAccess

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/embed/:id", .public, embedPage),
      Endpoint(.get, "/sdk/:file", .public) { try sharedFile("sdk/", $0) },
      Endpoint(.get, "/web-components/:file", .public) { try sharedFile("web-components/", $0) },
      Endpoint(.get, "/web/:file", .public) { try sharedFile("web/", $0) },
      Endpoint(.get, "/favicon.ico", .public) { _ in Response(status: .noContent, headers: [.cacheControl: "public, max-age=86400"]) },
    ]
  }

  /// Scripts are loaded by the host product's own pages, so they may cross origins; they hold nothing private.
  private func sharedFile(_ folder: String, _ request: APIRequest) throws -> Response {
    guard let file = assets.file(folder + (try request.parameter("file"))) else {
      throw AppError.notFound("There is no such file.")
    }
    return assets.response(
      file, to: request.request,
      headers: [.accessControlAllowOrigin: "*", .crossOriginResourcePolicy: "cross-origin", .contentSecurityPolicy: "default-src 'none'"])
  }

  /// The page is the same for every dashboard and says nothing about whether this one exists: that is told to holders of a token.
  private func embedPage(_ request: APIRequest) async throws -> Response {
    guard let file = assets.file("pages/embed.html") else { throw AppError.notFound("There is no embed page.") }
    let parameters = request.request.uri.queryParameters
    let origins = await embeds.frameOrigins(
      dashboard: DashboardID(try request.parameter("id")), token: parameters["token"].map { String($0) },
      session: parameters["session"].map { SessionID(String($0)) })
    let ancestors = origins.isEmpty ? "*" : (["'self'"] + origins).joined(separator: " ")
    let policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; font-src 'self'; "
      + "base-uri 'none'; form-action 'none'; frame-ancestors \(ancestors)"
    return assets.response(
      file, to: request.request,
      headers: [
        .contentSecurityPolicy: policy, .referrerPolicy: "no-referrer", .cacheControl: "no-store", .permissionsPolicy: Self.permissions,
      ])
  }

  static let permissions = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
}
