import os

import httpx
from fastapi import FastAPI, Header, HTTPException, Request

api = httpx.AsyncClient(
    base_url=os.environ["DATABRAIN_API_BASE_URL"], headers={"Authorization": "Bearer " + os.environ["DATABRAIN_API_TOKEN"]}, timeout=30)
app = FastAPI()


@app.post("/api/guest-token")
async def token(request: Request, authorization: str | None = Header(default=None)):
    if authorization is None:
        raise HTTPException(401)
    wishes = (await request.json()).get("permissions") or {"isEnableDownloadMetrics": True}
    answer = await api.post("/api/v2/guest-token/create", json={
        "clientId": "tenant-42", "dataAppName": os.environ["DATABRAIN_DATA_APP_NAME"], "permissions": wishes, "expiryTime": 600})
    return {"token": answer.raise_for_status().json()["token"]}
