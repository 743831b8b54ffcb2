import { createRoot } from "react-dom/client";
import { App } from "./app";
import { startRouter } from "./router";
import { startTokens } from "./tokens";

startTokens();
startRouter();
const place = document.getElementById("app");
if (place) createRoot(place).render(<App />);
