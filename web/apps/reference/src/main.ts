/** Renders the description of the API (`/openapi.json`) as a page: without a framework, without `innerHTML`, without a third party. */

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly properties?: Record<string, Schema>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly default?: unknown;
}

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
}

interface Body {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Record<string, Content>;
}

interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses?: Record<string, Body>;
  readonly "x-emban-access"?: string;
}

interface Description {
  readonly info: { readonly version: string; readonly description?: string };
  readonly servers?: readonly { readonly url: string }[];
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly shared: readonly Parameter[];
}

/** Who may call it, in words. */
const access: Record<string, string> = {
  public: "No credential.",
  session: "Console session.",
  read: "Admin key, or a person of any role.",
  edit: "Admin key, or a person who may edit.",
  admin: "Admin key, or a person who is owner or admin.",
  owner: "The owner.",
  ingest: "Ingest or admin key.",
  embed: "Embed token, and nothing else.",
};

const methods = ["get", "post", "put", "patch", "delete"];
/** How deep objects in objects are opened. */
const depth = 6;

type Child = Node | string | null;

function element(name: string, attributes: Record<string, string>, ...children: Child[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

function words(text: string | undefined, name = "p"): HTMLElement | null {
  return text === undefined ? null : element(name, {}, text);
}

class Reference {
  constructor(private readonly description: Description) {}

  routes(): Route[] {
    return Object.entries(this.description.paths).flatMap(([path, operations]) => {
      const shared = (operations as { parameters?: readonly Parameter[] }).parameters ?? [];
      return methods.flatMap((method) => {
        const operation = operations[method];
        return operation ? [{ method, path, operation, shared }] : [];
      });
    });
  }

  /** The routes by tag, in the order of the tags. */
  groups(): Map<string, Route[]> {
    const groups = new Map<string, Route[]>((this.description.tags ?? []).map(({ name }) => [name, []]));
    for (const route of this.routes()) {
      const tag = route.operation.tags?.[0] ?? "Other";
      groups.set(tag, [...(groups.get(tag) ?? []), route]);
    }
    for (const [tag, routes] of groups) if (routes.length === 0) groups.delete(tag);
    return groups;
  }

  tagDescription(tag: string): string | undefined {
    return this.description.tags?.find(({ name }) => name === tag)?.description;
  }

  private resolve<T extends { readonly $ref?: string }>(value: T): T {
    if (value.$ref === undefined) return value;
    const [, , kind = "", name = ""] = value.$ref.split("/");
    const found = this.description.components[kind]?.[name] as T | undefined;
    return found === undefined ? value : { ...this.resolve(found), ...Object.fromEntries(Object.entries(value).filter(([key]) => key !== "$ref")) };
  }

  article({ method, path, operation, shared }: Route): HTMLElement {
    const id = operation.operationId ?? `${method}${path}`;
    const parameters = [...shared, ...(operation.parameters ?? [])].map((parameter) => this.resolve(parameter));
    return element(
      "article", { id, "data-find": `${method} ${path} ${operation.summary ?? ""}`.toLowerCase() },
      element(
        "h3", {}, element("span", { class: "method", "data-method": method }, method.toUpperCase()),
        element("a", { href: `#${id}` }, element("code", {}, path))),
      words(operation.summary), words(operation.description),
      element("p", { class: "access" }, access[operation["x-emban-access"] ?? ""] ?? ""),
      parameters.length === 0 ? null : this.parameters(parameters),
      operation.requestBody === undefined ? null : this.body("Body", this.resolve(operation.requestBody)),
      ...Object.entries(operation.responses ?? {})
        .filter(([status]) => status !== "default")
        .map(([status, response]) => this.body(status, this.resolve(response))));
  }

  private parameters(parameters: readonly Parameter[]): HTMLElement {
    const rows = parameters.map(({ name, in: place, required, description, schema }) =>
      element(
        "tr", {}, element("td", {}, element("code", {}, name), required ? " *" : ""), element("td", {}, place),
        element("td", {}, this.type(schema ?? {})), element("td", {}, description ?? "")));
    return element("div", {}, element("h4", {}, "Parameters"), this.table(["name", "where", "type", ""], rows));
  }

  private table(heads: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
    return element(
      "div", { class: "scroll" },
      element(
        "table", {}, element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
        element("tbody", {}, ...rows)));
  }

  private body(title: string, { description, content }: Body): HTMLElement {
    const parts = Object.entries(content ?? {}).flatMap(([type, { schema, example }]) => [
      element("p", { class: "muted" }, element("code", {}, type)),
      schema === undefined ? null : this.schema(schema, 0),
      example === undefined ? null : element("pre", { tabindex: "0", role: "region", "aria-label": "Example" }, element("code", {}, JSON.stringify(example, null, 2))),
    ]);
    return element("div", {}, element("h4", {}, description === undefined ? title : `${title}: ${description}`), ...parts);
  }

  /** All members of a schema, those of `allOf` together. */
  private members(schema: Schema): { properties: Record<string, Schema>; required: readonly string[] } {
    const parts = (schema.allOf ?? []).map((part) => this.members(this.resolve(part)));
    return {
      properties: Object.assign({}, ...parts.map((part) => part.properties), schema.properties ?? {}) as Record<string, Schema>,
      required: [...parts.flatMap((part) => part.required), ...(schema.required ?? [])],
    };
  }

  private schema(given: Schema, level: number): HTMLElement | null {
    const schema = this.resolve(given);
    if (schema.items !== undefined) return this.schema(schema.items, level);
    const choices = schema.oneOf ?? schema.anyOf;
    if (choices !== undefined) {
      const shown = choices.map((choice) => this.schema(choice, level)).filter((part): part is HTMLElement => part !== null);
      return shown.length === 0 ? null : element("div", {}, ...shown);
    }
    if (typeof schema.additionalProperties === "object" && schema.properties === undefined) return this.schema(schema.additionalProperties, level);
    const { properties, required } = this.members(schema);
    const rows = Object.entries(properties).map(([name, property]) => {
      const resolved = this.resolve(property);
      const inner = level < depth ? this.schema(resolved, level + 1) : null;
      return element(
        "tr", {}, element("td", {}, element("code", {}, name), required.includes(name) ? " *" : ""), element("td", {}, this.type(resolved)),
        element(
          "td", {}, resolved.description ?? "",
          inner === null ? null : element("details", {}, element("summary", {}, `Members of ${name}`), inner)));
    });
    return rows.length === 0 ? null : this.table(["member", "type", ""], rows);
  }

  /** A schema in a few words. */
  private type(given: Schema): string {
    const schema = this.resolve(given);
    if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    const choices = schema.oneOf ?? schema.anyOf;
    if (choices !== undefined) return choices.map((choice) => this.type(choice)).join(" or ");
    const names = schema.type === undefined ? [schema.properties || schema.allOf ? "object" : "any"] : [schema.type].flat();
    const name = names.map((one) => (one === "array" && schema.items ? `list of ${this.type(schema.items)}` : one)).join(" or ");
    const range = [schema.minimum ?? schema.minLength, schema.maximum ?? schema.maxLength];
    const bounds = range[1] === undefined ? "" : ` (${range[0] ?? 0} to ${range[1]})`;
    return name + bounds + (schema.default === undefined ? "" : `, ${JSON.stringify(schema.default)} when absent`);
  }
}

function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`There is no element ${id}.`);
  return found;
}

function show(description: Description): void {
  const reference = new Reference(description);
  const main = find("main");
  const contents = find("contents");
  main.replaceChildren(
    element("p", {}, description.info.description ?? ""),
    element("p", { class: "muted" }, `Version ${description.info.version}, at ${description.servers?.[0]?.url ?? location.origin}. * is required.`));
  for (const [tag, routes] of reference.groups()) {
    contents.append(element("h2", {}, tag));
    const links = routes.map(({ method, path, operation }) =>
      element("li", {}, element("a", { href: `#${operation.operationId ?? `${method}${path}`}` }, `${method.toUpperCase()} ${path}`)));
    contents.append(element("ul", {}, ...links));
    main.append(
      element("section", { "aria-label": tag }, element("h2", {}, tag), words(reference.tagDescription(tag)), ...routes.map((route) => reference.article(route))));
  }
  bindSearch(main, contents);
  // The browser looked for the address's fragment before there was anything.
  if (location.hash.length > 1) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function bindSearch(main: HTMLElement, contents: HTMLElement): void {
  const search = find("search") as HTMLInputElement;
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase().split(/\s+/);
    for (const article of main.querySelectorAll<HTMLElement>("article")) {
      article.hidden = !wanted.every((word) => article.dataset["find"]?.includes(word));
      const link = [...contents.querySelectorAll<HTMLElement>("a")].find((one) => one.getAttribute("href") === `#${article.id}`);
      if (link?.parentElement) link.parentElement.hidden = article.hidden;
    }
    for (const section of main.querySelectorAll<HTMLElement>("section")) section.hidden = section.querySelector("article:not([hidden])") === null;
    for (const list of contents.querySelectorAll<HTMLElement>("ul")) {
      const empty = list.querySelector("li:not([hidden])") === null;
      list.hidden = empty;
      const heading = list.previousElementSibling as HTMLElement | null;
      if (heading) heading.hidden = empty;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    search.focus();
  });
}

fetch("/openapi.json")
  .then((answer) => {
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json() as Promise<Description>;
  })
  .then(show)
  .catch((error: unknown) => {
    find("main").replaceChildren(element("p", { role: "alert" }, `The description could not be loaded (${error instanceof Error ? error.message : "unknown"}).`));
  });

export {};
