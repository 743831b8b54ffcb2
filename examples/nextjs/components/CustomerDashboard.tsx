"use client";

import { EmbanEmbedFrame } from "@emban/embed-helper/react";
import { useState } from "react";

/** Called first, and again before each session ends. */
async function fetchEmbedUrl(): Promise<string> {
  const answer = await fetch("/api/embed-session", { method: "POST" });
  if (!answer.ok) throw new Error(`No session: ${answer.status}`);
  const { embedUrl } = (await answer.json()) as { embedUrl: string };
  return embedUrl;
}

export function CustomerDashboard() {
  const [chosen, setChosen] = useState("");
  return (
    <>
      <EmbanEmbedFrame
        fetchEmbedUrl={fetchEmbedUrl}
        title="Usage"
        containerStyle={{ minHeight: 600, borderRadius: 8 }}
        onDrill={({ dimension, value }) => setChosen(`${dimension}: ${value}`)}
        onError={({ code, message }) => console.warn(`analytics: ${code}: ${message}`)}
      />
      <p role="status">{chosen}</p>
    </>
  );
}
