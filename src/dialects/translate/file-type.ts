/** Of what type a file is that came as bare base64, without a `data:` URL to say it. */

/** File names end in these where the data itself doesn't say what it is. */
const TYPES_BY_ENDING: ReadonlyMap<string, string> = new Map([
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["csv", "text/csv"],
  ["html", "text/html"],
  ["json", "application/json"],
]);
const PDF_IN_BASE64 = "JVBERi";

/** @param data in standard base64. @returns its media type, by its first bytes or else by its name's ending; `undefined`: unknown. */
export function fileType(data: string, name: string | undefined): string | undefined {
  if (data.startsWith(PDF_IN_BASE64)) return "application/pdf";
  return TYPES_BY_ENDING.get(name?.slice(name.lastIndexOf(".") + 1).toLowerCase() ?? "");
}
