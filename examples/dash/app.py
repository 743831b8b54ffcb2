"""A Dash app that shows each customer their own dashboard."""

import os
import secrets

from dash import Dash, html
from emban import Emban
from flask import Flask, has_request_context, jsonify, redirect, render_template, request, session

from users import find_user

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
EMBAN_DASHBOARD = os.environ.get("EMBAN_DASHBOARD", "api-usage")

# The key comes from EMBAN_API_KEY and stays in this process.
emban = Emban(EMBAN_URL)

server = Flask(__name__)
server.config.update(
    SECRET_KEY=os.environ.get("SESSION_SECRET") or secrets.token_urlsafe(32),
    SESSION_COOKIE_SAMESITE="Lax",
)


# Everything but the login is for people who are signed in: Dash's own routes, too.
@server.before_request
def require_login():
    if "tenant_id" not in session and request.path != "/login":
        return redirect("/login", 303)
    return None


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


@server.post("/api/embed-token")
def embed_token():
    # The tenant comes from the login, never from what the browser sends.
    made = emban.embed_sessions.create(tenant_id=session["tenant_id"], dashboard_id=EMBAN_DASHBOARD)
    return jsonify({"token": made.token})


# A small page for the iframe: it keeps the web component apart from Dash's own elements.
@server.get("/embed/dashboard")
def embedded_dashboard():
    return render_template("embedded.html", emban_url=EMBAN_URL, dashboard=EMBAN_DASHBOARD)


app = Dash(__name__, server=server, title="Analytics", update_title=None)


# Made anew for every visit; Dash also calls it once at the start, when nobody is there.
def layout():
    email = session["email"] if has_request_context() else ""
    return html.Div([
        html.H1("Analytics"),
        html.P(f"Signed in as {email}"),
        html.Form(html.Button("Sign out"), action="/logout", method="post"),
        html.Iframe(
            src="/embed/dashboard",
            title="Analytics",
            style={
                "width": "100%",
                "height": "900px",
                "border": "none",
            },
        ),
    ])


app.layout = layout

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8050")))
