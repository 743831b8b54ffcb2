/** What tests in Node look at: everything that needs neither a page nor React. */
export { adapt, fitQuery, offers } from "./builder/adapt";
export { isWhole, opFor } from "./builder/conditions";
export { canonical, diff, isSame } from "./builder/diff";
export { begun, edited, redone, undone } from "./builder/history";
export { freeId, freePlace, moved, positionsOf, withPositions } from "./builder/places";
export { formOf, inTurns, Questions } from "./builder/questions";
export { isDraft, placeIn } from "./builder/unsaved";
export { looks, lookName, sample, sampleWidget, starter } from "./charts/gallery";
export { csvOf, jsonOf, plainType } from "./pages/csv";
export { identifier, quoted, sqlOf } from "./pages/query-sql";
export { formatSQL, sqlTokens } from "./pages/format-sql";
export { complete, wrongPart } from "./pages/sql-completion";
export { snippet } from "./pages/snippets";
export { keysOf } from "./pages/tail-keys";
export { choiceOf, firstLine, matching } from "./ui/choice";
export { numberOf, wholeOf } from "./ui/numbers";
export { words } from "./words";
