"""A product on FastAPI that shows each of its customers their own dashboard."""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from emban import AsyncEmban, EmbanError
from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from starlette.middleware.sessions import SessionMiddleware

from users import find_user

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
DATA_APP = os.environ.get("EMBAN_DATA_APP", "api-usage")
DASHBOARD = os.environ.get("EMBAN_DASHBOARD", "api-usage")

# One for the whole program: it keeps connections open. The key comes from EMBAN_API_KEY and stays in this process.
emban = AsyncEmban(EMBAN_URL)


@asynccontextmanager
async def closing(_: FastAPI) -> AsyncIterator[None]:
    yield
    await emban.aclose()


app = FastAPI(lifespan=closing)
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("SESSION_SECRET") or secrets.token_urlsafe(32), same_site="lax")
pages = Jinja2Templates(directory=Path(__file__).parent / "templates")


# Pages and tokens are of whoever is signed in now: no cache keeps them, and no way back shows them after the sign-out.
@app.middleware("http")
async def not_kept(request: Request, answered: Callable[[Request], Awaitable[Response]]) -> Response:
    answer = await answered(request)
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def signed_in(request: Request) -> dict[str, str]:
    """Who asks, and for which customer: from the login, never from what the browser sends."""
    if "tenant_id" not in request.session:
        raise HTTPException(401, "sign in first")
    return request.session


@app.post("/api/guest-token")
async def guest_token(person: Annotated[dict[str, str], Depends(signed_in)]) -> dict[str, str]:
    made = await emban.guest_tokens.create(
        client_id=person["tenant_id"],
        data_app_name=DATA_APP,
        permissions={"isEnableDownloadMetrics": True, "isEnableCustomizeLayout": True},
        params={"userId": person["email"]},  # whose layout is kept
    )
    return {"token": made.token}


@app.exception_handler(EmbanError)
async def no_analytics(_: Request, error: EmbanError) -> JSONResponse:
    return JSONResponse({"error": "there are no analytics just now", "code": error.code}, status_code=502)


@app.get("/")
async def dashboard(request: Request) -> Response:
    if "tenant_id" not in request.session:
        return RedirectResponse("/login", status_code=303)
    return pages.TemplateResponse(request, "dashboard.html", {
        "email": request.session["email"], "emban_url": EMBAN_URL, "dashboard": DASHBOARD})


@app.get("/login")
async def login_page(request: Request) -> Response:
    return pages.TemplateResponse(request, "login.html", {"failed": False})


@app.post("/login")
def login(request: Request, email: Annotated[str, Form()], password: Annotated[str, Form()]) -> Response:
    user = find_user(email, password)
    if user is None:
        return pages.TemplateResponse(request, "login.html", {"failed": True}, status_code=401)
    request.session.clear()
    request.session.update(email=user.email, tenant_id=user.tenant_id)
    return RedirectResponse("/", status_code=303)


@app.post("/logout")
async def logout(request: Request) -> Response:
    request.session.clear()
    return RedirectResponse("/login", status_code=303)
