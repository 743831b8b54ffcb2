/** Has `action`, which is the host's, run: what it throws stands in the console and stops nothing of ours. */
export function isolated(action: () => void): void {
  try {
    action();
  } catch (error) {
    report(error);
  }
}

/** As the browser does with what a listener throws: the page's own `error` listeners hear of it, too. */
function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else {
    setTimeout(() => {
      throw error;
    });
  }
}
