declare module "emban-styles" {
  const css: string;
  export default css;
}
