import os

import httpx
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse


@login_required
def guest_token(request):
    made = httpx.post(
        os.environ["DATABRAIN_API_BASE_URL"] + "/api/v2/guest-token/create", timeout=30,
        headers={"Authorization": "Bearer " + os.environ["DATABRAIN_API_TOKEN"]},
        json={"clientId": request.user.tenant_id, "dataAppName": os.environ["DATABRAIN_DATA_APP_NAME"],
              "permissions": {"isEnableUnderlyingData": False}, "params": {"role": "viewer"}})
    return JsonResponse({"token": made.raise_for_status().json()["token"]})
