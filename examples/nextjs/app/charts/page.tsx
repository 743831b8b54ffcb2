import { CustomerCharts } from "../../components/CustomerCharts";

/** `EMBAN_URL` is read when the page is asked for, not when it is built. */
export const dynamic = "force-dynamic";

/** The address of Emban is no secret; the key is, and stays in the route handler. */
export default function Page() {
  return (
    <main>
      <h1>Your calls</h1>
      <CustomerCharts host={process.env.EMBAN_URL ?? ""} headline="w_calls" charts={["w_series", "w_endpoints"]} />
    </main>
  );
}
