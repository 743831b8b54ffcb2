import logging

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from emban import Emban, EmbanError

log = logging.getLogger(__name__)

# One for the whole program: it keeps connections open. The key comes from EMBAN_API_KEY and stays in this process.
emban = Emban(settings.EMBAN_URL)


@never_cache
@login_required
@require_POST
def guest_token(request):
    try:
        made = emban.guest_tokens.create(
            client_id=request.user.tenant_id,  # from the login, never from what the browser sends
            data_app_name=settings.EMBAN_DATA_APP,
            permissions={"isEnableDownloadMetrics": True, "isEnableCustomizeLayout": True},
            params={"userId": str(request.user.pk)},  # whose layout is kept
        )
    except EmbanError as error:
        log.warning("no guest token: %s", error)
        return JsonResponse({"error": "there are no analytics just now", "code": error.code}, status=502)
    return JsonResponse({"token": made.token})


@never_cache
@login_required
def dashboard(request):
    return render(request, "dashboard.html", {"emban_url": settings.EMBAN_URL, "dashboard": settings.EMBAN_DASHBOARD})
