import { create } from "./index";

window.Emban = { ...window.Emban, create };
