export * from "./combo";
export * from "./controls";
export * from "./dialog";
export * from "./display";
export * from "./format";
export * from "./icons";
export * from "./numbers";
export * from "./time";
