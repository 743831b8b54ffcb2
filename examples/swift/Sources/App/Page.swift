/// The product's pages.
enum Page {
  static func signIn(failed: Bool) -> String {
    frame(
      title: "Sign in",
      """
      <h1>Sign in</h1>
      \(failed ? "<p role=\"alert\">Address or password is wrong.</p>" : "")
      <form method="post" action="/sign-in">
        <p><label>E-mail <input name="email" type="email" autocomplete="username" required></label></p>
        <p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
        <p><button>Sign in</button></p>
      </form>
      """)
  }

  /// - Parameters:
  ///   - token: of an embed session of the user's company.
  ///   - server: the Emban server's address.
  static func analytics(_ user: User, token: String, server: String) -> String {
    frame(
      title: "Usage",
      head: """
        <script src="\(escaped(server))/sdk/emban-dashboard.js" defer></script>
        <script src="/app.js" defer></script>
        """,
      """
      <form method="post" action="/sign-out"><p>\(escaped(user.name)), \(escaped(user.company)) <button>Sign out</button></p></form>
      <h1>Usage</h1>
      <emban-dashboard id="analytics" host="\(escaped(server))" token="\(escaped(token))"></emban-dashboard>
      """)
  }

  static let script = """
    // Asked before each token ends, and after a spell without a network: an open page stays open, with what the viewer has set.
    document.getElementById("analytics").fetchToken = async () => {
      const answer = await fetch("/analytics/token", { method: "POST" });
      if (answer.status === 401) location.reload();
      if (!answer.ok) throw new Error(`no token: ${answer.status}`);
      return await answer.text();
    };
    """

  private static func frame(title: String, head: String = "", _ body: String) -> String {
    """
    <!doctype html>
    <html lang="en">
    <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>\(title)</title>
    <link rel="icon" href="data:,">\(head)</head>
    <body><main>\(body)</main></body>
    </html>
    """
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
