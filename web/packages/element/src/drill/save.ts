/** Hands `file` to the viewer as a download named after `title`. */
export function save(file: Blob, title: string, extension: string): void {
  const name = title.normalize("NFKC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").toLowerCase() || "export";
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name}.${extension}`;
  link.click();
  // The browser reads the address when it comes to it.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
