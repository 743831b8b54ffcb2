import { useEffect, useState } from "react";
import { ago, exactDateTime } from "./format";

/** How long ago, kept true; the exact moment on hover. */
export function Ago({ at }: { readonly at: string }): JSX.Element {
  const [, setRound] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setRound((before) => before + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={exactDateTime(at)}>
      {ago(at)}
    </time>
  );
}
