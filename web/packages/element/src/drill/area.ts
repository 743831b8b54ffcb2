/**
 * The part of `element` that the viewer sees, in coordinates of this window. A frame that is as tall as its content does not know
 * where it is scrolled to; the browser does, also for frames of another origin.
 */
export function visibleArea(element: Element): Promise<DOMRectReadOnly> {
  return new Promise((resolve) => {
    const observer = new IntersectionObserver((entries) => {
      observer.disconnect();
      resolve(entries[entries.length - 1]?.intersectionRect ?? element.getBoundingClientRect());
    });
    observer.observe(element);
  });
}

export const isFramed = typeof window !== "undefined" && window.parent !== window;
