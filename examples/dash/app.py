"""A product on Dash that shows each of its customers their own dashboard."""

import os
import secrets

from dash import Dash, html
from emban import Emban, EmbanError
from flask import Flask, has_request_context, redirect, render_template, request, session

from users import find_user

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
DASHBOARD = os.environ.get("EMBAN_DASHBOARD", "api-usage")

# One for the whole program: it keeps connections open. The key comes from EMBAN_API_KEY and stays in this process.
emban = Emban(EMBAN_URL)

server = Flask(__name__)
server.config.update(
    SECRET_KEY=os.environ.get("SESSION_SECRET") or secrets.token_urlsafe(32),
    SESSION_COOKIE_SAMESITE="Lax",
)


# Pages and tokens are of whoever is signed in now: no cache keeps them, and no way back shows them after the sign-out.
# Dash says itself how long its own scripts may be kept.
@server.after_request
def not_kept(answer):
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


# Everything but the login is for people who are signed in: Dash's own routes, too.
@server.before_request
def require_login():
    if "tenant_id" not in session and request.path != "/login":
        return redirect("/login", 303)
    return None


@server.post("/api/embed-token")
def embed_token():
    made = emban.embed_sessions.create(
        tenant_id=session["tenant_id"],  # from the login, never from what the browser sends
        dashboard_id=DASHBOARD,
    )
    return {"token": made.token}


@server.errorhandler(EmbanError)
def no_analytics(error):
    server.logger.warning("no session: %s", error)
    return {"error": "there are no analytics just now", "code": error.code}, 502


# A small page for the iframe: it keeps the web component apart from Dash's own elements, and fetches its own tokens.
@server.get("/embed/dashboard")
def embedded_dashboard():
    return render_template("embedded.html", emban_url=EMBAN_URL, dashboard=DASHBOARD)


app = Dash(__name__, server=server, title="Analytics", update_title=None)


# Made anew for every visit; Dash also calls it once at the start, when nobody is there.
def layout():
    email = session["email"] if has_request_context() else ""
    return [
        html.Header([
            html.Strong("Your product"),
            html.Span(f"Signed in as {email}"),
            html.Form(html.Button("Sign out"), action="/logout", method="post"),
        ]),
        html.Main([
            html.H1("Analytics"),
            html.Iframe(src="/embed/dashboard", title="Analytics", className="dashboard"),
        ]),
    ]


app.layout = layout


@server.get("/login")
def login_page():
    return render_template("login.html", failed=False)


@server.post("/login")
def login():
    user = find_user(request.form.get("email", ""), request.form.get("password", ""))
    if user is None:
        return render_template("login.html", failed=True), 401
    session.clear()
    session.update(email=user.email, tenant_id=user.tenant_id)
    return redirect("/", 303)


@server.post("/logout")
def logout():
    session.clear()
    return redirect("/login", 303)


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8050")))
