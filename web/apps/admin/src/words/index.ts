import { accountWords } from "./account";
import { builderWords } from "./builder";
import { commonWords } from "./common";
import { manageWords } from "./manage";
import { pageWords } from "./pages";
import { queryWords } from "./query";

/** Every text of the console, by the part of it that says it: what is to be translated is here and nowhere else. */
export const words = { ...commonWords, ...accountWords, ...pageWords, ...manageWords, ...queryWords, ...builderWords } as const;
