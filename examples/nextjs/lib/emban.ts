import Emban from "@emban/sdk";

/** One for the life of the server: it keeps its connections. */
export const emban = new Emban({ host: process.env.EMBAN_URL, apiKey: process.env.EMBAN_API_KEY });
