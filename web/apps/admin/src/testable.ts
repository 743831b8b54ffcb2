/** What tests in Node look at: everything that needs neither a page nor React. */
export { adapt, fitQuery, offers } from "./builder/adapt";
export { canonical, diff } from "./builder/diff";
export { freeId, freePlace, positionsOf, withPositions } from "./builder/places";
export { looks, lookName, sample, sampleWidget, starter } from "./charts/gallery";
export { csvOf, jsonOf, plainType } from "./pages/csv";
export { identifier, quoted, sqlOf } from "./pages/query-sql";
export { formatSQL, sqlTokens } from "./pages/format-sql";
export { complete, wrongPart } from "./pages/sql-completion";
export { snippet } from "./pages/snippets";
export { keysOf } from "./pages/tail-keys";
export { numberOf, wholeOf } from "./ui/numbers";
export { words } from "./words";
