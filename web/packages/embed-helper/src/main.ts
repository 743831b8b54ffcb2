import { create } from "./index";

declare global {
  interface Window {
    Emban?: { create: typeof create };
  }
}

window.Emban = { ...window.Emban, create };
