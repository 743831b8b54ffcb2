"""A product on Flask that shows each of its customers their own dashboard."""

import os
import secrets

from emban import Emban, EmbanError
from flask import Flask, redirect, render_template, request, session

from users import find_user

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
DATA_APP = os.environ.get("EMBAN_DATA_APP", "api-usage")
DASHBOARD = os.environ.get("EMBAN_DASHBOARD", "api-usage")

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ.get("SESSION_SECRET") or secrets.token_urlsafe(32),
    SESSION_COOKIE_SAMESITE="Lax",
)


# Pages and tokens are of whoever is signed in now: no cache keeps them, and no way back shows them after the sign-out.
@app.after_request
def not_kept(answer):
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


# One for the whole program: it keeps connections open. The key comes from EMBAN_API_KEY and stays in this process.
emban = Emban(EMBAN_URL)


@app.post("/api/guest-token")
def guest_token():
    if "tenant_id" not in session:
        return {"error": "sign in first"}, 401
    made = emban.guest_tokens.create(
        client_id=session["tenant_id"],  # from the login, never from what the browser sends
        data_app_name=DATA_APP,
        permissions={"isEnableDownloadMetrics": True, "isEnableCustomizeLayout": True},
        params={"userId": session["email"]},  # whose layout is kept
    )
    return {"token": made.token}


@app.errorhandler(EmbanError)
def no_analytics(error):
    app.logger.warning("no guest token: %s", error)
    return {"error": "there are no analytics just now", "code": error.code}, 502


@app.get("/")
def dashboard():
    if "tenant_id" not in session:
        return redirect("/login", 303)
    return render_template("dashboard.html", email=session["email"], emban_url=EMBAN_URL, dashboard=DASHBOARD)


@app.get("/login")
def login_page():
    return render_template("login.html", failed=False)


@app.post("/login")
def login():
    user = find_user(request.form.get("email", ""), request.form.get("password", ""))
    if user is None:
        return render_template("login.html", failed=True), 401
    session.clear()
    session.update(email=user.email, tenant_id=user.tenant_id)
    return redirect("/", 303)


@app.post("/logout")
def logout():
    session.clear()
    return redirect("/login", 303)
