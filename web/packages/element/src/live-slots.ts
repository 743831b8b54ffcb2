import type { StreamSlot } from "@emban/core";

/**
 * Without HTTP/2 browsers open six connections to a server, for all pages and frames together, and a stream keeps one of them: of these at most
 * three are streams, so that questions are always answered.
 */
const slots = 3;
let taken = 0;

/** Room for streams from one server; `left` of the slots are not taken, for those who need them more. */
export function slotsOf(host: string, left = 0): StreamSlot {
  return async (work) => {
    if (taken >= slots - left) return false;
    taken += 1;
    try {
      return await shared(host, left, work);
    } finally {
      taken -= 1;
    }
  };
}

/** Agrees with the other pages of this origin, where the browser lets them agree: not without https, nor in a sandbox without an origin. */
async function shared(host: string, left: number, work: () => Promise<void>): Promise<boolean> {
  let isRun = false;
  const run = async (): Promise<boolean> => {
    isRun = true;
    await work();
    return true;
  };
  const { locks } = navigator as { readonly locks?: LockManager };
  if (!locks) return run();
  try {
    for (let slot = left; slot < slots; slot += 1) {
      if (await locks.request(`emban-live-${slot} ${host}`, { ifAvailable: true }, (lock) => (lock ? run() : false))) return true;
    }
    return false;
  } catch (error) {
    if (isRun) throw error;
    return run();
  }
}
