import { CustomerDashboard } from "../components/CustomerDashboard";

export default function Page() {
  return (
    <main>
      <h1>Your usage</h1>
      <form action="/api/sign-in" method="post">
        {["acme", "globex"].map((tenant) => <button key={tenant} name="tenant" value={tenant}>Sign in as {tenant}</button>)}
      </form>
      <CustomerDashboard />
    </main>
  );
}
