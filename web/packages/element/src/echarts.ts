/** The part of Apache ECharts that is used here. */
export interface EChart {
  setOption(option: Record<string, unknown>, options?: { replaceMerge?: readonly string[]; notMerge?: boolean }): void;
  resize(size?: { width: number; height: number }): void;
  on(event: string, handler: (event: Record<string, unknown>) => void): void;
  getZr(): { on(event: string, handler: (event: { offsetX: number; offsetY: number }) => void): void };
  containPixel(finder: string, point: readonly [number, number]): boolean;
  convertFromPixel(finder: Record<string, unknown>, point: readonly [number, number]): readonly number[];
  dispatchAction(action: Record<string, unknown>): void;
  dispose(): void;
}

export interface ECharts {
  init(element: HTMLElement, theme: null, options: { renderer: "svg"; width: number; height: number }): EChart;
}

/** Where the server has it: `/web/echarts-….js`, or the name that stays for packages that any server may meet. */
declare const EMBAN_ECHARTS_PATH: string;

const slot = Symbol.for("emban.echarts");
const loads = Symbol.for("emban.echarts.loads");
type Shared = { [slot]?: ECharts; [loads]?: Map<string, Promise<ECharts>> };

/**
 * Fetches ECharts once per page from the Emban server, when the first chart needs it. The file keeps to itself: it registers
 * under a symbol, so that an ECharts of the host page stays as it is.
 */
export function loadECharts(base: string): Promise<ECharts> {
  const shared = globalThis as unknown as Shared;
  const pending = (shared[loads] ??= new Map<string, Promise<ECharts>>());
  const url = base + EMBAN_ECHARTS_PATH;
  const known = pending.get(url);
  if (known) return known;
  const load = new Promise<ECharts>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.async = true;
    script.onload = () => {
      const library = shared[slot];
      if (library) resolve(library);
      else reject(new Error("echarts did not register"));
    };
    script.onerror = () => {
      pending.delete(url);
      script.remove();
      reject(new Error("echarts could not be loaded"));
    };
    document.head.append(script);
  });
  pending.set(url, load);
  return load;
}
