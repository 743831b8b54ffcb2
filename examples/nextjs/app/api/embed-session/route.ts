import { EmbanError } from "@emban/sdk";
import { emban } from "../../../lib/emban";
import { json } from "../../../lib/json";
import { tenantOf } from "../../../lib/session";

/** Made anew for each request. */
export const dynamic = "force-dynamic";

/** A fresh session for the customer of whoever is signed in. */
export async function POST(request: Request): Promise<Response> {
  const tenantId = tenantOf(request);
  if (tenantId === null) return json({ error: "Sign in first." }, 401);
  try {
    const { embedUrl, token } = await emban.createEmbedSession({
      tenantId,
      dashboardId: process.env.EMBAN_DASHBOARD_ID,
      expiresIn: 900,
      permissions: { maxDateRangeDays: 90 },
    });
    return json({ embedUrl, token });
  } catch (error) {
    if (!(error instanceof EmbanError)) throw error;
    // The cause is for the log; the browser learns no more than that it failed.
    console.error(`analytics: ${error.status} ${error.code} ${error.requestId ?? ""}`);
    return json({ error: "The dashboard cannot be shown at the moment." }, 502);
  }
}
